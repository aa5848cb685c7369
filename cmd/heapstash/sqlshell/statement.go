package sqlshell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

// queryHint goes with whatever SQLite refuses.
const queryHint = "sql runs one statement that only reads; `heapstash sql --schema` lists the views and their columns"

// Statement is what the flags of sql say.
type Statement struct {
	File    string
	Format  string
	Timeout time.Duration
	MaxRows int // 0 for any number; negative for the format's usual one

	Schema, Tables, NoHeader bool
}

func oneStatement(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return errors.New("more than one argument: put the statement in quotes")
	}
	return nil
}

// Text returns the statement, from wherever it is given.
func (q Statement) Text(cmd *cobra.Command, args []string) (string, error) {
	in := cmd.InOrStdin()
	switch given := len(args) == 1; {
	case given && q.File != "":
		return "", usage.Error(cmd, errors.New("the statement is given twice, as an argument and as --file"))
	case q.File != "":
		text, err := os.ReadFile(q.File)
		if err != nil {
			return "", schema.WithHint(fmt.Errorf("--file: %w", err), "it must be a file with one statement that this user can read")
		}
		return string(text), nil
	case given && args[0] != "-":
		return args[0], nil
	case !given && show.IsTerminal(in):
		return "", usage.Error(cmd, errors.New("no statement is given"))
	}
	text, err := io.ReadAll(in)
	return string(text), err
}

// Run prints the result of the statement.
func (q Statement) Run(ctx context.Context, w io.Writer, path, text string) error {
	statement, err := soleStatement(text)
	if err != nil {
		return schema.WithHint(err, queryHint)
	}
	begin := show.NewRowWriter
	if q.NoHeader {
		begin = show.WithoutHeader
	}
	out, err := begin(q.Format, w)
	if err != nil {
		return err
	}
	reader, err := engine.Read(ctx, path)
	if err != nil {
		return err
	}
	return engine.Within(ctx, q.Timeout, func(ctx context.Context) error {
		defer reader.Close() // read only
		return q.CopyRows(ctx, out, reader, statement)
	})
}

// rowLimit is how many rows are written, 0 for any number.
func (q Statement) rowLimit() int {
	switch {
	case q.MaxRows >= 0:
		return q.MaxRows
	case show.HoldsRows(q.Format):
		return show.UsualRows
	default:
		return streamedRows
	}
}

// streamedRows is as much as goes out as it comes: a day of a cluster's samples
// by far, and no disk full of a join that lacks its condition.
const streamedRows = 10_000_000

// CopyRows runs the statement and writes what it gives.
func (q Statement) CopyRows(ctx context.Context, out show.RowWriter, reader *engine.Reader, statement string) error {
	rows, err := reader.Query(ctx, statement)
	if err != nil {
		return explainQuery(ctx, reader, statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	if err := out.Begin(columns); err != nil {
		return err
	}
	values := make([]any, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	limit := q.rowLimit()
	for count := 1; rows.Next(); count++ {
		if limit > 0 && count > limit {
			return schema.WithHint(fmt.Errorf("the query gives more than %d rows", limit), "--max-rows sets how many there may be, 0 for any number; --format csv, tsv, json, json-array and line print rows as they come")
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := out.Row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explainQuery(ctx, reader, statement, err)
	}
	return out.End()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"

	"github.com/spf13/cobra"
)

// queryHint goes with whatever SQLite refuses.
const queryHint = "sql runs one statement that only reads; `heapstash sql --schema` lists the views and their columns"

// statement is what the flags of sql say.
type statement struct {
	file    string
	format  string
	timeout time.Duration
	maxRows int // 0 for any number; negative for the format's usual one

	schema, tables, noHeader bool
}

func oneStatement(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return errors.New("more than one argument: put the statement in quotes")
	}
	return nil
}

// text returns the statement, from wherever it is given.
func (q statement) text(cmd *cobra.Command, args []string) (string, error) {
	in := cmd.InOrStdin()
	switch given := len(args) == 1; {
	case given && q.file != "":
		return "", usageError(cmd, errors.New("the statement is given twice, as an argument and as --file"))
	case q.file != "":
		text, err := os.ReadFile(q.file)
		if err != nil {
			return "", schema.WithHint(fmt.Errorf("--file: %w", err), "it must be a file with one statement that this user can read")
		}
		return string(text), nil
	case given && args[0] != "-":
		return args[0], nil
	case !given && show.IsTerminal(in):
		return "", usageError(cmd, errors.New("no statement is given"))
	}
	text, err := io.ReadAll(in)
	return string(text), err
}

// run prints the result of the statement.
func (q statement) run(ctx context.Context, w io.Writer, path, text string) error {
	statement, err := soleStatement(text)
	if err != nil {
		return schema.WithHint(err, queryHint)
	}
	begin := newRowWriter
	if q.noHeader {
		begin = withoutHeader
	}
	out, err := begin(q.format, w)
	if err != nil {
		return err
	}
	reader, err := engine.Read(ctx, path)
	if err != nil {
		return err
	}
	return within(ctx, q.timeout, func(ctx context.Context) error {
		defer reader.Close() // read only
		return q.copyRows(ctx, out, reader, statement)
	})
}

// rowLimit is how many rows are written, 0 for any number.
func (q statement) rowLimit() int {
	switch {
	case q.maxRows >= 0:
		return q.maxRows
	case holdsRows(q.format):
		return usualRows
	default:
		return streamedRows
	}
}

// streamedRows is as much as goes out as it comes: a day of a cluster's samples
// by far, and no disk full of a join that lacks its condition.
const streamedRows = 10_000_000

// copyRows runs the statement and writes what it gives.
func (q statement) copyRows(ctx context.Context, out rowWriter, reader *engine.Reader, statement string) error {
	rows, err := reader.Query(ctx, statement)
	if err != nil {
		return explainQuery(ctx, reader, statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	if err := out.begin(columns); err != nil {
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
		if err := out.row(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return explainQuery(ctx, reader, statement, err)
	}
	return out.end()
}

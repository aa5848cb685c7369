// Package sqlshell runs SQL statements that only read: a single one, or statements that
// are typed at a prompt. It explains SQLite's errors, and lists the archive's views.
package sqlshell

import (
	"context"
	"fmt"
	"io"
	"time"

	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// queryHint is the hint for SQLite's other errors.
const queryHint = "sql runs one statement that only reads; `heapstash sql --schema` lists the views and their columns"

// Statement says how statements are run.
type Statement struct {
	Format   string // one of [show.RowFormats]
	NoHeader bool
	Timeout  time.Duration // zero for none
	MaxRows  int           // zero for any number; negative for the format's usual one
}

// Run prints the result of the one statement of a text.
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
	return engine.AskFile(ctx, path, q.Timeout, func(ctx context.Context, reader engine.File) error {
		return q.copyRows(ctx, out, reader, statement)
	})
}

// rowLimit returns how many rows are written at most, 0 for any number.
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

// streamedRows is how many rows are written as they come: more than a day of a
// cluster's samples, and too few for a join without a condition to fill a disk.
const streamedRows = 10_000_000

// copyRows runs the statement and writes its rows.
func (q Statement) copyRows(ctx context.Context, out show.RowWriter, reader engine.File, statement string) error {
	var unwritten error
	writing := func(err error) error {
		unwritten = err
		return err
	}
	count, limit := 0, q.rowLimit()
	err := reader.Select(ctx, statement,
		func(columns []string) error { return writing(out.Begin(columns)) },
		func(values []any) error {
			if count++; limit > 0 && count > limit {
				return writing(schema.WithHint(fmt.Errorf("the query gives more than %d rows", limit), "--max-rows sets how many there may be, 0 for any number; --format csv, tsv, json, json-array and line print rows as they come"))
			}
			return writing(out.Row(values))
		})
	switch {
	case unwritten != nil:
		return unwritten
	case err != nil:
		return explainQuery(ctx, reader, statement, err)
	}
	return out.End()
}

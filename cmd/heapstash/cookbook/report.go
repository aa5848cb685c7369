package cookbook

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Report asks a question of the cookbook, and says how the answer is printed.
type Report struct {
	Name   string // one of [Names], or "sizing-owner"
	Engine engine.Dialect
	Asked  // Range is not read

	// Since returns the begin of the range for its end, zero for the report's usual
	// one.
	Since   func(end time.Time) schema.Instant
	Explain bool // print the SQL instead
	Format  string
	Quiet   bool // no notes
	Zone    *time.Location
}

// PrintSQL prints the report's statement, as seen from now.
func (r Report) PrintSQL(w io.Writer, now time.Time) error {
	text, err := r.sql(now)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

func (r Report) sql(now time.Time) (string, error) {
	end := now
	if r.Now != 0 {
		end = r.Now.Time()
	}
	if since := r.Since(end); since != 0 {
		length := end.Sub(since.Time())
		if length <= 0 {
			return "", fmt.Errorf("the range ends, at %v, before it begins, at %v", end.UTC().Format(time.RFC3339), since)
		}
		const day = 24 * time.Hour
		r.Range = (length + day - time.Second).Truncate(day)
	}
	return SQL(r.Engine, r.Name, r.Asked)
}

// Print writes the report's rows, or its statement, to out, and notes about them to
// notes.
func (r Report) Print(ctx context.Context, reader engine.Reader, out, notes io.Writer, now time.Time) error {
	rows, err := show.NewRowWriter(r.Format, out)
	if err != nil {
		return err
	}
	note := func(text string) {
		if !r.Quiet {
			show.Lines(notes, "note: ", text)
		}
	}
	if !r.Explain {
		if err := ask.NoMatch(ctx, reader, r.filters()); err != nil {
			return err
		}
	}
	end, err := ask.PodsEnd(ctx, reader)
	if err != nil {
		return err
	}
	if r.Now == 0 && end != 0 && end < schema.InstantOf(now.Add(-time.Hour)) {
		note(fmt.Sprintf("the archive ends at %s, and so does the range; --until sets another end", show.Time(end, r.Zone)))
		r.Now = end
	}
	if strings.HasSuffix(r.Name, "-owner") {
		known, err := ask.OwnersKnown(ctx, reader)
		if err != nil {
			return err
		}
		if !known {
			note(ask.NoOwners)
		}
	}
	if r.Explain {
		return r.PrintSQL(out, now)
	}
	clusters, err := reader.Names(ctx, query.Query{Kind: schema.Pod}, "cluster")
	if err != nil {
		return err
	}
	if len(clusters) > 1 {
		note(fmt.Sprintf("the archive has %d clusters (%s), and rows of the same names are added up", len(clusters), strings.Join(slices.Concat(clusters...), ", ")))
	}
	text, err := r.sql(now)
	if err != nil {
		return err
	}
	counted := &countedRows{RowWriter: rows}
	if err := reader.Select(ctx, text, counted.Begin, counted.Row); err != nil {
		return err
	}
	if err := counted.End(); err != nil {
		return err
	}
	if counted.rows == 0 {
		note("there are no rows: reports are made of hours and days that have ended; `heapstash status` says which there are")
	}
	return nil
}

// filters returns a query with the report's filters.
func (r Report) filters() query.Query {
	q := query.Query{Kind: schema.Pod}
	if r.Namespaces != "" {
		q.Namespaces = []string{r.Namespaces}
	}
	if r.Excluded != "" {
		q.ExcludeNamespaces = []string{r.Excluded}
	}
	return q
}

// countedRows counts the rows that it writes.
type countedRows struct {
	show.RowWriter
	rows int
}

func (c *countedRows) Row(values []any) error {
	c.rows++
	return c.RowWriter.Row(values)
}

package cookbook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/sqlshell"
	"heapstash/schema"
)

// Reporting is what the flags of report say.
type Reporting struct {
	Times                flags.Range
	Namespaces, Excluded string
	By, Format           string
	Top                  int
	Explain, Quiet       bool
	Timeout              time.Duration
}

// statement is the SQL of the report, as it is seen from now. The range ends at
// until, which is zero for now.
func (r *Reporting) statement(name string, now time.Time, until schema.Instant) (string, error) {
	asked := Asked{Now: until, Namespaces: r.Namespaces, Excluded: r.Excluded, Top: r.Top}
	end := now
	if until != 0 {
		end = until.Time()
	}
	if since := r.Times.Since.At(end); since != 0 {
		long := end.Sub(since.Time())
		if long <= 0 {
			return "", fmt.Errorf("the range ends, at %v, before it begins, at %v", end.UTC().Format(time.RFC3339), since)
		}
		const day = 24 * time.Hour
		asked.Range = (long + day - time.Second).Truncate(day)
	}
	switch {
	case name == "packing" && (r.Namespaces != "" || r.Excluded != ""):
		return "", schema.WithHint(errors.New("packing is about nodes, which have no namespace"), "leave out --namespace and --exclude-namespace")
	case r.By == "owner" && name == "sizing":
		name = "sizing-owner"
	case r.By != "pod":
		return "", schema.WithHint(fmt.Errorf("the report %s has no --by %s", name, r.By), "sizing has --by pod and --by owner, others have none")
	}
	return SQL(name, asked)
}

// Run prints the statement, or what it gives.
func (r *Reporting) Run(cmd *cobra.Command, path, name string) error {
	now := time.Now()
	until := r.Times.Until.At(now)
	if r.Explain && until != 0 {
		return r.print(cmd, name, now, until)
	}
	out, err := show.NewRowWriter(r.Format, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	reader, err := engine.Read(cmd.Context(), path)
	if err != nil && r.Explain {
		return r.print(cmd, name, now, until)
	}
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	return engine.Within(cmd.Context(), r.Timeout, func(ctx context.Context) error {
		if err := r.checkMatches(ctx, reader); err != nil && !r.Explain {
			return err
		}
		end, owners, err := ask.ReportFacts(ctx, reader)
		if err != nil {
			return err
		}
		if until == 0 && end != 0 && end < schema.InstantOf(now.Add(-time.Hour)) {
			r.note(cmd, fmt.Sprintf("the archive ends at %s, and so does the range; --until sets another end", r.Times.Zone.Text(end)))
			until = end
		}
		if r.By == "owner" && !owners {
			r.note(cmd, ask.NoOwners)
		}
		if r.Explain {
			return r.print(cmd, name, now, until)
		}
		text, err := r.statement(name, now, until)
		if err != nil {
			return err
		}
		rows := sqlshell.Statement{Format: r.Format, MaxRows: -1}
		counted := &countedRows{RowWriter: out}
		if err := rows.CopyRows(ctx, counted, reader, text); err != nil {
			return err
		}
		if counted.rows == 0 {
			r.note(cmd, "there are no rows: reports are made of hours and days that have ended; `heapstash status` says which there are")
		}
		return nil
	})
}

// print prints the statement.
func (r *Reporting) print(cmd *cobra.Command, name string, now time.Time, until schema.Instant) error {
	text, err := r.statement(name, now, until)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}

func (r *Reporting) note(cmd *cobra.Command, text string) {
	if !r.Quiet {
		show.Lines(cmd.ErrOrStderr(), "note: ", text)
	}
}

// countedRows counts the rows that it writes.
type countedRows struct {
	show.RowWriter
	rows int
}

func (c *countedRows) Row(cells []any) error {
	c.rows++
	return c.RowWriter.Row(cells)
}

// checkMatches refuses filters that nothing passes.
func (r *Reporting) checkMatches(ctx context.Context, reader *engine.Reader) error {
	var q query.Query
	if r.Namespaces != "" {
		q.Namespaces = []string{r.Namespaces}
	}
	if r.Excluded != "" {
		q.ExcludeNamespaces = []string{r.Excluded}
	}
	return ask.ExplainNoMatch(ctx, reader, schema.Pod, ask.FiltersOf(q))
}

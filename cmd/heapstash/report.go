package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/cookbook"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// reporting is what the flags of report say.
type reporting struct {
	times                rangeFlags
	namespaces, excluded string
	by, format           string
	top                  int
	explain, quiet       bool
	timeout              time.Duration
}

// statement is the SQL of the report, as it is seen from now. The range ends at
// until, which is zero for now.
func (r *reporting) statement(name string, now time.Time, until schema.Instant) (string, error) {
	asked := cookbook.Asked{Now: until, Namespaces: r.namespaces, Excluded: r.excluded, Top: r.top}
	end := now
	if until != 0 {
		end = until.Time()
	}
	if since := r.times.since.at(end); since != 0 {
		long := end.Sub(since.Time())
		if long <= 0 {
			return "", fmt.Errorf("the range ends, at %v, before it begins, at %v", end.UTC().Format(time.RFC3339), since)
		}
		const day = 24 * time.Hour
		asked.Range = (long + day - time.Second).Truncate(day)
	}
	switch {
	case name == "packing" && (r.namespaces != "" || r.excluded != ""):
		return "", schema.WithHint(errors.New("packing is about nodes, which have no namespace"), "leave out --namespace and --exclude-namespace")
	case r.by == "owner" && name == "sizing":
		name = "sizing-owner"
	case r.by != "pod":
		return "", schema.WithHint(fmt.Errorf("the report %s has no --by %s", name, r.by), "sizing has --by pod and --by owner, others have none")
	}
	return cookbook.SQL(name, asked)
}

// run prints the statement, or what it gives.
func (r *reporting) run(cmd *cobra.Command, path, name string) error {
	now := time.Now()
	until := r.times.until.at(now)
	if r.explain && until != 0 {
		return r.print(cmd, name, now, until)
	}
	out, err := newRowWriter(r.format, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	reader, err := engine.Read(cmd.Context(), path)
	if err != nil && r.explain {
		return r.print(cmd, name, now, until)
	}
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	return within(cmd.Context(), r.timeout, func(ctx context.Context) error {
		if err := r.checkMatches(ctx, reader); err != nil && !r.explain {
			return err
		}
		end, owners, err := reportFacts(ctx, reader)
		if err != nil {
			return err
		}
		if until == 0 && end != 0 && end < schema.InstantOf(now.Add(-time.Hour)) {
			r.note(cmd, fmt.Sprintf("the archive ends at %s, and so does the range; --until sets another end", r.times.zone.text(end)))
			until = end
		}
		if r.by == "owner" && !owners {
			r.note(cmd, noOwners)
		}
		if r.explain {
			return r.print(cmd, name, now, until)
		}
		text, err := r.statement(name, now, until)
		if err != nil {
			return err
		}
		rows := statement{format: r.format, maxRows: -1}
		counted := &countedRows{rowWriter: out}
		if err := rows.copyRows(ctx, counted, reader, text); err != nil {
			return err
		}
		if counted.rows == 0 {
			r.note(cmd, "there are no rows: reports are made of hours and days that have ended; `heapstash status` says which there are")
		}
		return nil
	})
}

// print prints the statement.
func (r *reporting) print(cmd *cobra.Command, name string, now time.Time, until schema.Instant) error {
	text, err := r.statement(name, now, until)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(cmd.OutOrStdout(), text)
	return err
}

func (r *reporting) note(cmd *cobra.Command, text string) {
	if !r.quiet {
		lines(cmd.ErrOrStderr(), "note: ", text)
	}
}

// noOwners says why there are none.
const noOwners = "the archive knows no owners of pods: set collect.enrich, and passes ask the Kubernetes API for them"

// reportFacts are up to when there are samples of pods, zero if there are none, and
// whether owners are known.
func reportFacts(ctx context.Context, reader *engine.Reader) (end schema.Instant, owners bool, err error) {
	q := query.Query{Kind: schema.Pod}
	q.Metric, _ = schema.Lookup("cpu/usage_rate")
	c, err := reader.Coverage(ctx, q)
	if err != nil {
		return 0, false, err
	}
	known, err := texts(ctx, reader, "SELECT '' FROM pod_identities WHERE owner IS NOT NULL LIMIT 1", nil)
	return c.End(), len(known) > 0, err
}

// countedRows counts the rows that it writes.
type countedRows struct {
	rowWriter
	rows int
}

func (c *countedRows) row(cells []any) error {
	c.rows++
	return c.rowWriter.row(cells)
}

// checkMatches refuses filters that nothing passes.
func (r *reporting) checkMatches(ctx context.Context, reader *engine.Reader) error {
	var q query.Query
	if r.namespaces != "" {
		q.Namespaces = []string{r.namespaces}
	}
	if r.excluded != "" {
		q.ExcludeNamespaces = []string{r.excluded}
	}
	return explainNoMatch(ctx, reader, schema.Pod, filtersOf(q))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/cookbook"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

const reportLong = `report answers questions about weeks of an archive, with the SQL of the cookbook:

  sizing    pods whose CPU request is most above what they use (30 days); --by owner: the memory
            of workloads, whose owners are known with collect.enrich
  idle      pods that are there and have used no CPU and received nothing for 14 days
  growth    namespaces whose memory changed by 5 % or more from one week to the next (7 weeks)
  movers    pods whose CPU changed most, of the last 7 days against the 7 before
  packing   how much of each node is requested and used (7 days)

CPU is in millicores and memory in bytes or, as the column says, in MiB. The range ends now, at
--until, or where an archive ends to which nothing was added for an hour, and has
whole days: --since is how long before the end it begins, or a time. Reports are made of hourly and daily rollups: a day is there once it has ended.

--explain prints the SQL, which runs in stock sqlite3. It is that of docs/cookbook.md but for its
first line, which has what the flags say.`

// reporting is what the flags of report say.
type reporting struct {
	times                rangeFlags
	namespaces, excluded string
	by, format           string
	top                  int
	explain, quiet       bool
	timeout              time.Duration
}

func newReportCommand() *cobra.Command {
	var r reporting
	cmd := &cobra.Command{
		Use:   "report sizing|idle|growth|movers|packing",
		Short: "Answer questions about sizes, idle pods, growth, changes and nodes",
		Long:  reportLong,
		Example: "  heapstash report sizing --since 14d --exclude-namespace kube-system\n" +
			"  heapstash report packing --format markdown\n" +
			"  heapstash report idle --explain",
		ValidArgs: cookbook.Names(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && slices.Contains(cookbook.Names(), args[0]) {
				return nil
			}
			known := "name one report: " + strings.Join(cookbook.Names(), ", ")
			if len(args) == 1 {
				return fmt.Errorf("no report %q; %s", args[0], known)
			}
			return errors.New(known)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			return r.run(cmd, cfg.DBFile, args[0])
		},
	}
	f := cmd.Flags()
	r.times.add(f, "begin of the range: how long before its end, as in 30d, or a time (default: see above)", "end of the range, which is not in it (default now)")
	f.StringVarP(&r.namespaces, "namespace", "n", "", "only namespaces that match this glob")
	f.StringVar(&r.excluded, "exclude-namespace", "", "no namespaces that match this glob")
	f.StringVar(&r.by, "by", "pod", "of sizing: pod or owner")
	f.IntVar(&r.top, "top", 0, "so many rows at most, -1 for all (default: as in the cookbook)")
	f.StringVar(&r.format, "format", "table", formatUsage)
	f.BoolVar(&r.explain, "explain", false, "print the SQL instead of running it")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "no notes on stderr")
	f.DurationVar(&r.timeout, "timeout", usualTimeout, "give up after this long; 0 for never")
	if err := cmd.RegisterFlagCompletionFunc("by", cobra.FixedCompletions([]string{"pod", "owner"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
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

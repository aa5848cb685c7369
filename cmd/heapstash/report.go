package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/cookbook"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const reportLong = `report answers questions about weeks of an archive, with the SQL of the cookbook:
  sizing    pods whose CPU request is furthest above their use (30 days); --by owner: the memory
            of workloads, whose owners are known with collect.enrich
  idle      pods that exist, and used no CPU and received nothing for 14 days
  growth    namespaces whose memory changed by 5 % or more from one week to the next (7 weeks)
  movers    pods whose CPU changed most, in the last 7 days against the 7 days before
  packing   how much of each node is requested and used (7 days)

CPU is in millicores. Memory is in bytes or, where the column says so, in MiB. The range has
whole days. It ends now or at --until; if the last sample is older than an hour, it ends
there. --since is how long before the end the range begins, or a time. Reports read hourly
and daily rollups: the rollup of a day is there once the day has ended. If the archive has
several clusters, rows of the same names are added up, and a note says so.

--explain prints the SQL, which runs in stock sqlite3. It is the SQL of docs/cookbook.md; only
the first line differs, by what the flags say. For an archive in ClickHouse, it is the SQL of
docs/cookbook-clickhouse.md with its values in place.`

// reportFlags are the flags of report.
type reportFlags struct {
	flags.Range
	flags.Rows
	namespace, exclude, by string
	top                    int
	explain                bool
}

func newReportCommand() *cobra.Command {
	var r reportFlags
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
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, args []string) error {
			if cmd.Flags().Lookup("cluster-name").Changed {
				return usage.Error(cmd, errors.New("--cluster-name: report does not read it; it adds up the clusters of the archive"))
			}
			now, out := time.Now(), cmd.OutOrStdout()
			report, err := r.report(engine.DialectOf(cfg), args[0], now)
			if err != nil {
				return err
			}
			if r.explain && (report.Now != 0 || !readable(cmd.Context(), cfg)) {
				return report.PrintSQL(out, now)
			}
			return engine.Ask(cmd.Context(), cfg, r.Timeout, func(ctx context.Context, reader engine.Reader) error {
				return report.Print(ctx, reader, out, cmd.ErrOrStderr(), now)
			})
		}),
	}
	f := cmd.Flags()
	r.Range.Add(f, "begin of the range: how long before its end, as in 30d, or a time (default: see above)", "end of the range, which is not in it (default now)")
	r.Rows.Add(f)
	f.StringVarP(&r.namespace, "namespace", "n", "", "only namespaces that match this glob")
	f.StringVar(&r.exclude, "exclude-namespace", "", "no namespaces that match this glob")
	f.StringVar(&r.by, "by", "pod", "of sizing: pod or owner")
	f.IntVar(&r.top, "top", 0, "so many rows at most, -1 for all (default: as in the cookbook)")
	f.BoolVar(&r.explain, "explain", false, "print the SQL instead of running it")
	complete.Words(cmd, "by", "pod", "owner")
	return cmd
}

// report returns the report of that name, as seen from now.
func (r *reportFlags) report(of engine.Dialect, name string, now time.Time) (cookbook.Report, error) {
	switch {
	case name == "packing" && (r.namespace != "" || r.exclude != ""):
		return cookbook.Report{}, schema.WithHint(errors.New("packing is about nodes, which have no namespace"), "leave out --namespace and --exclude-namespace")
	case r.by == "owner" && name == "sizing":
		name = "sizing-owner"
	case r.by != "pod":
		return cookbook.Report{}, schema.WithHint(fmt.Errorf("the report %s has no --by %s", name, r.by), "sizing has --by pod and --by owner, others have none")
	}
	return cookbook.Report{
		Name: name, Engine: of,
		Asked: cookbook.Asked{Now: r.Until.At(now), Namespaces: r.namespace, Excluded: r.exclude, Top: r.top},
		Since: r.Since.At, Explain: r.explain, Format: r.Format, Quiet: r.Quiet, Zone: r.Zone.Location(),
	}, nil
}

// readable reports whether there is an archive to read.
func readable(ctx context.Context, cfg config.Config) bool {
	reader, err := engine.Read(ctx, cfg)
	if err != nil {
		return false
	}
	reader.Close() // read only
	return true
}

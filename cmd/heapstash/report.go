package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/cookbook"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
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

func newReportCommand() *cobra.Command {
	var r cookbook.Reporting
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
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			return r.Run(cmd, cfg.DBFile, args[0])
		},
	}
	f := cmd.Flags()
	r.Times.Add(f, "begin of the range: how long before its end, as in 30d, or a time (default: see above)", "end of the range, which is not in it (default now)")
	f.StringVarP(&r.Namespaces, "namespace", "n", "", "only namespaces that match this glob")
	f.StringVar(&r.Excluded, "exclude-namespace", "", "no namespaces that match this glob")
	f.StringVar(&r.By, "by", "pod", "of sizing: pod or owner")
	f.IntVar(&r.Top, "top", 0, "so many rows at most, -1 for all (default: as in the cookbook)")
	f.StringVar(&r.Format, "format", "table", show.FormatUsage)
	f.BoolVar(&r.Explain, "explain", false, "print the SQL instead of running it")
	f.BoolVarP(&r.Quiet, "quiet", "q", false, "no notes on stderr")
	f.DurationVar(&r.Timeout, "timeout", engine.UsualTimeout, "give up after this long; 0 for never")
	if err := cmd.RegisterFlagCompletionFunc("by", cobra.FixedCompletions([]string{"pod", "owner"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}

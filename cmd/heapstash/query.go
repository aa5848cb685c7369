package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/complete"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/cmd/heapstash/usage"
	"heapstash/schema"
)

const queryLong = `query asks for metrics: of each series, or put together by names, over a range of time as
a whole or step by step. It prints a table, CSV or JSON (an object a line), or draws a
chart. What it reads is said on stderr; --explain prints the SQL for stock sqlite3.

Of what: filters are globs. Without --kind, the kind is the coarsest that carries all the
metrics and has all the names that filters and --by speak of: cluster, namespace, node,
pod, container, system_container. So --pod asks for pods, --container for containers, and
--namespace alone for the namespace's own series, if it has the metric. --label resource_id:/
asks for one file system, disk or accelerator.

A pod's node, owner and labels are those of pod_identities at the time of each sample: --by owner,
--by label:app and, with --pod or -n, --by node and --node. A pod that was made again on another
node counts on each node for the time that it was there. Owners are known with collect.enrich. What
is not known is empty. Hours are the coarsest rows that are read; an hour in which a pod was made
again counts for the later one. Ranges of up to a day are made of raw rows, and exact.

What is computed, in each step of each group:
  avg, min, max, last, p50, p95   of a gauge; of several series put together, of their sum at
      each moment at which there is any. Shares, percentages and uptime do not add up: there,
      it is of all their samples together. Percentiles are by nearest rank.
  sum, count        of all samples
  increase, rate    of a counter: its growth from the sample before the step on, and that
      divided by the seconds in which it grew. One that fell was reset, and has grown from 0.
      Growth adds up.
  last              of a counter
avg and rate are over the same span: that of the samples that the group has in the range or
step. A pod that lived for a day of a month has its averages of that day. For a rate that is
the time from the sample before its first growth to its last sample; of hours and days, all
of them in which the group's things were there.
Without --agg, it is avg for gauges, rate for counters, increase for restart_count and last
for uptime. Of a metric that only you know, such as custom/..., all of them can be asked.

Heapster's model API cuts the ratios of nodes, such as cpu/node_utilization, to 0 or 1. The
answer is the exact ratio of the two metrics that it is made of, at the same moment. Rollups
have it for hours and days in which what is allocatable did not change; the others are made
of finer rows. Rates but cpu/usage_rate lose their fractions: ask the counter for its rate.

From what: steps of whole days are made of daily rollups, those of whole hours of hourly
ones, others of raw rows; so is the range as a whole. What no rollup has yet comes from the
finer rows. avg is always the sum by the count of samples. Rollups do not have everything:
  - last of gauges, and percentiles but for those of cpu/usage_rate and memory/working_set of
    each series, are made of raw rows. With longer steps than hours, those two are
    percentiles of the hours' percentiles.
  - of the sum of several series, rollups have bounds: max is the sum of the hour's or day's
    maxima, so the sum was never greater; min is the sum of the minima of those that were
    there all the time, so it was never less; avg is exact where the series were there
    all the time, or never two at once, and else it was no less. (All the time is as often
    as the thing of that kind was there, that was there most.)
--level raw is exact, and takes longer. A step begins at a whole multiple of its length since
1970, in UTC; one of whole weeks on a Monday. The range begins with a step, and ends where the archive ends. --tz says in which time
zone yesterday is, and shows times in it; days of steps stay those of UTC, and so do CSV and JSON.

--top ranks groups by the first aggregate over the whole range. A chart draws the first
eight of them, and says of how many; --top draws more or fewer. Its axis has the times of --tz.
A table has one unit a column, in its header, and each metric has its own table. CSV and JSON
have the same columns: the metric, the unit of the numbers (beside other aggregates a rate is
in that per second), the kind, the level that was read, names, when the step or the range begins, and the
aggregates. Numbers have all their digits and no exponent there.`

const queryExample = `  heapstash query cpu/usage_rate -n kube-system --pod 'etcd-*' --since 30d --step 1h --agg avg,max
  heapstash query cpu/usage_rate --by namespace --since 7d --top 10
  heapstash query memory/working_set --by owner --exclude-namespace kube-system --since 7d
  heapstash query network/rx --by namespace,pod --since 24h --format csv
  heapstash query memory/working_set -n shop --pod 'web-*' --by namespace --since 7d --chart
  heapstash query filesystem/usage --node 'node-*' --label resource_id:/ --agg last
  heapstash query custom/queue_length --pod 'web-*' --since 12h --step 5m --explain`

// queryFlags are the flags of query.
type queryFlags struct {
	flags.Filter
	flags.Rows
	containers, nodes, labels []string
	kind, level, unit         string
	aggs, by                  []string
	step                      flags.Length
	top                       int
	chart, explain            bool
}

func newQueryCommand() *cobra.Command {
	var q queryFlags
	cmd := &cobra.Command{
		Use:     "query METRIC...",
		Short:   "Ask for metrics over time: a table, CSV, JSON or a chart",
		Long:    queryLong,
		Example: queryExample,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("no metric is given: `heapstash schema` lists them")
			}
			return nil
		},
		ValidArgsFunction: complete.Metrics,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Load(cmd.Flags())
			if err != nil {
				return err
			}
			if q.chart && cmd.Flags().Changed("format") {
				return usage.Error(cmd, errors.New("--chart and --format are given"))
			}
			question, err := q.question(cmd.Flags(), args)
			if err != nil {
				return err
			}
			return engine.Ask(cmd.Context(), cfg.DBFile, q.Timeout, func(ctx context.Context, reader *engine.Reader) error {
				return question.Answer(ctx, reader, cmd.OutOrStdout(), cmd.ErrOrStderr())
			})
		},
	}
	f := cmd.Flags()
	q.Filter.Add(f, "begin of the range: a time, or how long ago, as in 30d, yesterday or '2017-09-27 07:00' (default 24h)",
		"end of the range, which is not in it (default now)")
	q.Rows.Add(f)
	f.StringSliceVar(&q.containers, "container", nil, "containers that match this glob (repeatable)")
	f.StringSliceVar(&q.nodes, "node", nil, "nodes that match this glob (repeatable)")
	f.StringArrayVar(&q.labels, "label", nil, "labelled series with this KEY:VALUE, the value a glob (repeatable)")
	f.StringVar(&q.kind, "kind", "", "kind of entity (default: see above)")
	f.Var(&q.step, "step", "length of a step, such as 5m, 1h or 1d, with a row for each step (default: one step for the whole range; for a chart, the step that fits)")
	f.StringSliceVar(&q.aggs, "agg", nil, "aggregates: avg, min, max, sum, last, increase, rate, p50, p95, count")
	f.StringSliceVar(&q.by, "by", nil, "group series by cluster, namespace, pod, container, node, owner, label:KEY of pods, or a key of labelled series")
	f.IntVar(&q.top, "top", 0, "only so many groups, those with the greatest first aggregate over the whole range")
	f.StringVar(&q.level, "level", "auto", "rows to read: raw, hourly, daily, or auto")
	f.BoolVar(&q.chart, "chart", false, "draw a chart")
	f.StringVar(&q.unit, "unit", "", "raw, auto, or a unit such as Mi, Gi, millicores, cores (default: auto for tables and charts, else raw)")
	f.BoolVar(&q.explain, "explain", false, "print the SQL instead of running it")
	return cmd
}

// question returns what the flags ask of the metrics, as of now.
func (f *queryFlags) question(set *pflag.FlagSet, metrics []string) (q ask.Question, err error) {
	now := time.Now()
	q = ask.Question{
		Query: f.Filter.Query(set, now), Metrics: metrics, Format: f.Format, Unit: f.unit,
		Chart: f.chart, Explain: f.explain, Quiet: f.Quiet, Zone: f.Zone.Location(),
	}
	q.Containers, q.Nodes, q.By, q.Step, q.Top = f.containers, f.nodes, f.by, time.Duration(f.step), f.top
	q.To = cmp.Or(q.To, schema.InstantOf(now)+1)
	q.From = cmp.Or(q.From, q.To.Add(-24*time.Hour))
	if q.Top < 0 {
		return q, fmt.Errorf("--top %d: it must not be negative", q.Top)
	}
	if q.Aggs, err = query.ParseAggs(f.aggs); err != nil {
		return q, err
	}
	if q.Level, err = query.ParseLevel(f.level); err != nil {
		return q, err
	}
	if f.kind != "" {
		if q.Kind, err = schema.ParseKind(f.kind); err != nil {
			return q, err
		}
	}
	for _, label := range f.labels {
		key, value, ok := strings.Cut(label, ":")
		if !ok {
			return q, schema.WithHint(fmt.Errorf("label %q has no value", label), "write --label KEY:VALUE, as in --label resource_id:/")
		}
		if q.Labels == nil {
			q.Labels = make(map[string]string)
		}
		q.Labels[key] = value
	}
	if q.Unit == "" {
		q.Unit = "auto"
		if q.Format != "table" {
			q.Unit = "raw"
		}
	}
	_, err = show.NewRowWriter(q.Format, nil)
	return q, err
}

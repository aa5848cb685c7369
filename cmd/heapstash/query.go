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

	"heapstash/archive"
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

const queryLong = `query asks for metrics: for each series, or for groups of series, over a range of time as a
whole or step by step. It prints a table, CSV or JSON (an object a line), or draws a chart.
Notes on stderr say which rows it reads; --explain prints the SQL for stock sqlite3.

Which series: filters are globs. Without --kind, query takes the coarsest kind that has all
the metrics, and all the names in the filters and in --by: cluster, namespace, node, pod,
container, system_container. So --pod asks for pods, --container for containers, and
--namespace alone for the namespace's own series, if it has the metric. --label
resource_id:/ asks for one file system, disk or accelerator.

The node, the owner and the labels of a pod come from pod_identities, at the time of each
sample. They work in --by owner, --by label:app and, with --pod or -n, in --by node and
--node. If a pod was made again on another node, each node has its samples from its own time.
Owners are known with collect.enrich. A name that is not known is empty. Such questions read
raw rows and hours; an hour in which a pod was made again counts for the later one. Ranges of
up to a day read raw rows, and are exact.

Which aggregates, for each step of each group:
  avg, min, max, last, p50, p95   of a gauge. For several series, they are of the sum of the
      series at each moment. Shares, percentages and uptime are not summed: for these metrics
      they are of all samples together. Percentiles are by nearest rank.
  sum, count        of all samples
  increase, rate    of a counter: its growth since the sample before the step, and this growth
      divided by the seconds in which it grew. A counter that fell was reset: it grew from 0.
      The growth of several series is summed.
  last              of a counter

avg and rate cover the time in which the group has samples in the range or step: for a pod
that ran for one day of a month, they are averages of that day. For a rate, that time is from
the sample before its first growth to its last sample. In hours and days, it is all hours or
days in which the group existed.
Without --agg, gauges have avg, counters rate, restart_count increase, and uptime last. For a
metric that is not in the registry, such as custom/..., all aggregates are allowed.

Heapster's model API cuts the ratios of nodes, such as cpu/node_utilization, to 0 or 1. query
gives the exact ratio of the two metrics behind them, at the same moment. Rollups have it
for hours and days in which the allocatable amount did not change; for the others, query
reads finer rows. The other rates except cpu/usage_rate have no fractions: ask the counter for
its rate.

Which rows: steps of whole days read daily rollups, steps of whole hours read hourly
rollups, other steps raw rows; the range as a whole does the same. Where there is no rollup
yet, query reads finer rows. avg is always the sum divided by the count of samples. Rollups
do not have everything:
  - last of gauges reads raw rows. So do percentiles, except for single series of
    cpu/usage_rate and memory/working_set. With steps longer than an hour, these two are
    percentiles of the percentiles of hours.
  - for the sum of several series, rollups give bounds. max is the sum of the maxima: the
    real sum was never greater. min is the sum of the minima of the series that existed all
    the time: the real sum was never less. avg is exact if the series existed all the time,
    or never two at once; otherwise the real average was no less. (A series existed all the
    time if it has as many samples as the series with the most.)
--level raw is exact, and takes longer. A step begins at a multiple of its length since 1970,
in UTC; a step of whole weeks begins on a Monday. The range begins with a step, and ends where
the archive ends. --tz is the time zone for words such as yesterday, and for the times in
tables and charts; steps of days, CSV and JSON stay in UTC.

--lake reads raw rows of the whole range, in the archive and in the Parquet files of archive.lake.
It copies those of the question into a temporary archive (TMPDIR), about a million samples in a
few seconds, and answers as --level raw does where all raw rows stay. The growth of a counter
begins with its last sample before the range; if that is older than a day, it is looked up day by
day. Without --lake, hours and days answer, and a note says which raw rows are in the lake.

--top ranks groups by the first aggregate over the whole range. A chart draws the first eight
groups and says how many there are; --top draws more or fewer. Its axis is in --tz.
Each metric has its own table, and each column has one unit, in its header. CSV and JSON have
the same columns for all metrics: the metric, the unit of the numbers (if there is a rate
beside other aggregates, the rate is in this unit per second), the kind, the level that was
read, names, the begin of the step or the range, and the aggregates. Their numbers have all
digits and no exponent.`

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
	chart, explain, lake      bool
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
		RunE: withConfig(func(cmd *cobra.Command, cfg config.Config, args []string) error {
			if q.chart && cmd.Flags().Changed("format") {
				return usage.Error(cmd, errors.New("--chart and --format are given"))
			}
			question, err := q.question(cmd.Flags(), args)
			if err != nil {
				return err
			}
			answer := engine.Ask
			if q.lake {
				if q.explain || q.level != "auto" && q.level != string(archive.Raw) {
					return usage.Error(cmd, errors.New("--lake reads raw rows into a temporary archive: leave --explain and --level out"))
				}
				answer = engine.AskLake
			}
			return answer(cmd.Context(), cfg, q.Timeout, func(ctx context.Context, reader engine.Reader) error {
				return question.Answer(ctx, reader, cmd.OutOrStdout(), cmd.ErrOrStderr())
			})
		}),
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
	f.BoolVar(&q.lake, "lake", false, "read raw rows, also those in archive.lake")
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

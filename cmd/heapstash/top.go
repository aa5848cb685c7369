package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

const topLong = `top shows CPU and memory side by side, in the columns and units of kubectl top: millicores (m) and
Mi, rounded down. Memory is the working set. Requests and limits stand beside, and of nodes the
share of what can be allocated. A namespace is the sum of its pods.

Without --since it shows the newest batch in the archive, or the last one before --until. With
--since it shows the average, the 95th percentile and the maximum of the range, as query does,
and the greatest request and limit.

Formats for machines have millicores and bytes, and a cluster's name.`

// topKinds are what top takes, with how the rows are grouped and named.
var topKinds = []struct {
	word  string
	kind  schema.Kind
	by    []string
	names []string // the groups' columns, without the cluster
}{
	{"pods", schema.Pod, nil, []string{"namespace", "pod"}},
	{"nodes", schema.Node, nil, []string{"node"}},
	{"namespaces", schema.Pod, []string{"namespace"}, []string{"namespace"}},
	{"containers", schema.Container, nil, []string{"namespace", "pod", "container"}},
}

func topWords() []string {
	var words []string
	for _, k := range topKinds {
		words = append(words, k.word)
	}
	return words
}

// topFlags are what the flags of top say.
type topFlags struct {
	times                                     rangeFlags
	namespaces, excludeNamespaces, pods, node []string
	sortBy, format                            string
	top                                       int
	quiet                                     bool
	timeout                                   time.Duration
}

func newTopCommand() *cobra.Command {
	var t topFlags
	cmd := &cobra.Command{
		Use:   "top [pods|nodes|namespaces|containers]",
		Short: "Show CPU and memory side by side, as kubectl top, now or over a range",
		Long:  topLong,
		Example: "  heapstash top\n" +
			"  heapstash top nodes --sort-by memory\n" +
			"  heapstash top namespaces --since 7d --exclude-namespace kube-system",
		ValidArgs: topWords(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !slices.Contains(topWords(), args[0]) {
				return fmt.Errorf("top takes one of %s", strings.Join(topWords(), ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(cmd.Flags())
			if err != nil {
				return err
			}
			if t.sortBy != "cpu" && t.sortBy != "memory" {
				return usageError(cmd, fmt.Errorf("--sort-by %s: write cpu or memory", t.sortBy))
			}
			var clusters []string
			if f := cmd.Flags().Lookup("cluster-name"); f.Changed {
				clusters = []string{f.Value.String()}
			}
			word := append(args, "pods")[0]
			if word == "nodes" && len(t.namespaces)+len(t.excludeNamespaces)+len(t.pods) > 0 {
				return schema.WithHint(errors.New("nodes have no namespace and no pod"), "leave out --namespace, --exclude-namespace and --pod; `heapstash top pods --node NAME` shows the pods of a node")
			}
			return t.run(cmd, cfg.DBFile, clusters, word)
		},
	}
	f := cmd.Flags()
	t.times.add(f, "over a range that begins then: how long ago, or a time (default: the newest batch)", "end of the range, which is not in it (default now)")
	f.StringSliceVarP(&t.namespaces, "namespace", "n", nil, "namespaces that match this glob (repeatable)")
	f.StringSliceVar(&t.excludeNamespaces, "exclude-namespace", nil, "nothing of namespaces that match this glob (repeatable)")
	f.StringSliceVar(&t.pods, "pod", nil, "pods that match this glob (repeatable)")
	f.StringSliceVar(&t.node, "node", nil, "nodes that match this glob, or what was on them (repeatable)")
	f.StringVar(&t.sortBy, "sort-by", "cpu", "cpu or memory, the greatest first")
	f.IntVar(&t.top, "top", 0, "only so many rows, the greatest; 0 for all")
	f.StringVar(&t.format, "format", "table", formatUsage)
	f.BoolVarP(&t.quiet, "quiet", "q", false, "no notes on stderr")
	f.DurationVar(&t.timeout, "timeout", usualTimeout, "give up after this long; 0 for never")
	if err := cmd.RegisterFlagCompletionFunc("sort-by", cobra.FixedCompletions([]string{"cpu", "memory"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}

// topRow is a thing with its values, by metric and aggregate.
type topRow struct {
	cluster string
	names   []string
	values  map[string]any // int64 or float64; a key is as [topKey] makes it
}

func topKey(m schema.MetricName, agg query.Agg) string { return string(m) + " " + string(agg) }

func (r topRow) float(key string) float64 {
	v, _ := show.Float(r.values[key])
	return v
}

// run asks for each metric, and puts the answers side by side.
func (t *topFlags) run(cmd *cobra.Command, path string, clusters []string, word string) error {
	out, err := newRowWriter(t.format, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	reader, err := engine.Read(cmd.Context(), path)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	kind := topKinds[slices.Index(topWords(), word)]
	now := time.Now()
	q := query.Query{
		Clusters: clusters, Namespaces: t.namespaces, ExcludeNamespaces: t.excludeNamespaces, Pods: t.pods, Nodes: t.node,
		Kind: kind.kind, By: kind.by, From: t.times.since.at(now), To: cmp.Or(t.times.until.at(now), schema.InstantOf(now)+1),
	}
	ranged, asked := q.From != 0, q
	return within(cmd.Context(), t.timeout, func(ctx context.Context) error {
		questions := []query.Query{q}
		if !ranged {
			if questions, err = newestBatches(ctx, reader, q); err != nil {
				return nothingThere(ctx, reader, q, 0, err)
			}
		}
		table := make(map[string]*topRow)
		said := make(map[string]bool)
		note := func(text string) {
			if !t.quiet && !said[text] {
				said[text] = true
				lines(cmd.ErrOrStderr(), "note: ", text)
			}
		}
		for _, q := range questions {
			if !ranged {
				note("the batch of " + t.times.zone.text(q.From))
			}
			for _, m := range topMetrics(kind.kind) {
				own := q
				own.Metric, _ = schema.Lookup(m)
				own.Aggs = []query.Agg{query.Max}
				if ranged && isUse(m) {
					own.Aggs = []query.Agg{query.Avg, query.P95, query.Max}
				}
				notes, err := gatherTop(ctx, reader, own, table)
				if _, unknown := errors.AsType[*query.Error](err); err != nil && (isUse(m) || !unknown) {
					return nothingThere(ctx, reader, asked, len(table), err)
				}
				for _, text := range notes {
					if isUse(m) {
						note(text)
					}
				}
			}
		}
		rows := t.sorted(table, ranged)
		if len(rows) == 0 {
			if err := nothingThere(ctx, reader, asked, 0, nil); err != nil {
				return err
			}
		}
		return t.print(out, kind.names, word, ranged, rows)
	})
}

func isUse(m schema.MetricName) bool { return m == "cpu/usage_rate" || m == "memory/working_set" }

// topMetrics are what is asked of a kind; the use comes first.
func topMetrics(k schema.Kind) []schema.MetricName {
	list := []schema.MetricName{"cpu/usage_rate", "memory/working_set", "cpu/request", "cpu/limit", "memory/request", "memory/limit"}
	if k == schema.Node {
		list = append(list, "cpu/node_allocatable", "memory/node_allocatable")
	}
	return list
}

// newestBatches asks of each cluster's newest moment, of raw rows.
func newestBatches(ctx context.Context, reader *engine.Reader, q query.Query) ([]query.Query, error) {
	own := q
	own.Metric, _ = schema.Lookup("cpu/usage_rate")
	c, err := reader.Coverage(ctx, own)
	if err != nil {
		return nil, err
	}
	end := min(q.To, c.End())
	rows, err := reader.Query(ctx, "SELECT cluster, max(ts) FROM "+own.View()+" WHERE ts >= ? AND ts < ? GROUP BY cluster ORDER BY cluster", int64(end)-2*3600, int64(end))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []query.Query
	for rows.Next() {
		var cluster string
		var newest schema.Instant
		if err := rows.Scan(&cluster, &newest); err != nil {
			return nil, err
		}
		if len(q.Clusters) > 0 && !globbed(q.Clusters, cluster) {
			continue
		}
		own := q
		own.Clusters, own.From, own.To, own.Level = []string{cluster}, newest, newest+1, schema.Raw
		all = append(all, own)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, schema.WithHint(fmt.Errorf("there are no raw samples before %v", end), "give a range with --since; `heapstash status` says from when to when there are samples")
	}
	return all, nil
}

// gatherTop adds a metric's values to the rows, and returns what to know of them.
func gatherTop(ctx context.Context, reader *engine.Reader, q query.Query, table map[string]*topRow) ([]string, error) {
	c, err := reader.Coverage(ctx, q)
	if err != nil {
		return nil, err
	}
	plan, err := q.Plan(c)
	if err != nil {
		return nil, err
	}
	a := answer{Plan: plan, groups: plan.Groups()}
	return plan.Notes, a.ask(ctx, reader, func(row answerRow) error {
		key := strings.Join(row.names, "\x00")
		if table[key] == nil {
			if len(table) >= usualRows {
				return errors.New("there are too many rows: give filters")
			}
			table[key] = &topRow{cluster: row.names[0], names: slices.Clone(row.names[1:]), values: make(map[string]any)}
		}
		for i, agg := range plan.Aggs {
			table[key].values[topKey(q.Metric.Name, agg)] = row.values[i]
		}
		return nil
	})
}

// sorted are the rows with any use, the greatest first.
func (t *topFlags) sorted(table map[string]*topRow, ranged bool) []*topRow {
	agg := query.Max
	if ranged {
		agg = query.Avg
	}
	by := map[string]string{"cpu": topKey("cpu/usage_rate", agg), "memory": topKey("memory/working_set", agg)}
	var rows []*topRow
	for _, row := range table {
		if row.values[by["cpu"]] != nil || row.values[by["memory"]] != nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *topRow) int {
		return cmp.Or(cmp.Compare(b.float(by[t.sortBy]), a.float(by[t.sortBy])), cmp.Compare(a.cluster, b.cluster), slices.Compare(a.names, b.names))
	})
	if t.top > 0 && len(rows) > t.top {
		rows = rows[:t.top]
	}
	return rows
}

package top

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
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/flags"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

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

func TopWords() []string {
	var words []string
	for _, k := range topKinds {
		words = append(words, k.word)
	}
	return words
}

// TopFlags are what the flags of top say.
type TopFlags struct {
	Times                                     flags.Range
	Namespaces, ExcludeNamespaces, Pods, Node []string
	SortBy, Format                            string
	Top                                       int
	Quiet                                     bool
	Timeout                                   time.Duration
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

// Run asks for each metric, and puts the answers side by side.
func (t *TopFlags) Run(cmd *cobra.Command, path string, clusters []string, word string) error {
	out, err := show.NewRowWriter(t.Format, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	reader, err := engine.Read(cmd.Context(), path)
	if err != nil {
		return err
	}
	defer reader.Close() // read only
	kind := topKinds[slices.Index(TopWords(), word)]
	now := time.Now()
	q := query.Query{
		Clusters: clusters, Namespaces: t.Namespaces, ExcludeNamespaces: t.ExcludeNamespaces, Pods: t.Pods, Nodes: t.Node,
		Kind: kind.kind, By: kind.by, From: t.Times.Since.At(now), To: cmp.Or(t.Times.Until.At(now), schema.InstantOf(now)+1),
	}
	ranged, asked := q.From != 0, q
	return engine.Within(cmd.Context(), t.Timeout, func(ctx context.Context) error {
		questions := []query.Query{q}
		if !ranged {
			if questions, err = newestBatches(ctx, reader, q); err != nil {
				return ask.NothingThere(ctx, reader, q, 0, err)
			}
		}
		table := make(map[string]*topRow)
		said := make(map[string]bool)
		note := func(text string) {
			if !t.Quiet && !said[text] {
				said[text] = true
				show.Lines(cmd.ErrOrStderr(), "note: ", text)
			}
		}
		for _, q := range questions {
			if !ranged {
				note("the batch of " + t.Times.Zone.Text(q.From))
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
					return ask.NothingThere(ctx, reader, asked, len(table), err)
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
			if err := ask.NothingThere(ctx, reader, asked, 0, nil); err != nil {
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
		if len(q.Clusters) > 0 && !ask.Globbed(q.Clusters, cluster) {
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
	a := ask.Answer{Plan: plan, NameColumns: plan.Groups()}
	return plan.Notes, a.Ask(ctx, reader, func(row ask.AnswerRow) error {
		key := strings.Join(row.Names, "\x00")
		if table[key] == nil {
			if len(table) >= show.UsualRows {
				return errors.New("there are too many rows: give filters")
			}
			table[key] = &topRow{cluster: row.Names[0], names: slices.Clone(row.Names[1:]), values: make(map[string]any)}
		}
		for i, agg := range plan.Aggs {
			table[key].values[topKey(q.Metric.Name, agg)] = row.Values[i]
		}
		return nil
	})
}

// sorted are the rows with any use, the greatest first.
func (t *TopFlags) sorted(table map[string]*topRow, ranged bool) []*topRow {
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
		return cmp.Or(cmp.Compare(b.float(by[t.SortBy]), a.float(by[t.SortBy])), cmp.Compare(a.cluster, b.cluster), slices.Compare(a.names, b.names))
	})
	if t.Top > 0 && len(rows) > t.Top {
		rows = rows[:t.Top]
	}
	return rows
}

// Package top shows the CPU and the memory of pods, nodes, namespaces or
// containers side by side, as kubectl top does.
package top

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/cmd/heapstash/ask"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// subjects are what top shows: the word, the kind that is asked, how its series are
// grouped, and the columns of names without the cluster.
var subjects = []struct {
	word  string
	kind  schema.Kind
	by    []string
	names []string
}{
	{"pods", schema.Pod, nil, []string{"namespace", "pod"}},
	{"nodes", schema.Node, nil, []string{"node"}},
	{"namespaces", schema.Pod, []string{"namespace"}, []string{"namespace"}},
	{"containers", schema.Container, nil, []string{"namespace", "pod", "container"}},
}

// Subjects returns the words for what top shows: pods, nodes, ...
func Subjects() []string {
	var words []string
	for _, s := range subjects {
		words = append(words, s.word)
	}
	return words
}

// Table is a question for the CPU and the memory of all entities of a kind.
type Table struct {
	Subject string      // one of [Subjects]
	Query   query.Query // filters and range; From is zero for the newest batch
	SortBy  string      // cpu or memory
	Limit   int         // how many rows, zero for all
	Format  string      // one of [show.RowFormats]
	Quiet   bool        // no notes
	Zone    *time.Location
}

// row is an entity with its values.
type row struct {
	cluster string
	names   []string
	values  map[string]any // int64 or float64, by key
}

// key names a value of a row.
func key(m schema.MetricName, agg query.Agg) string { return string(m) + " " + string(agg) }

func (r row) float(key string) float64 {
	v, _ := show.Float(r.values[key])
	return v
}

// Print asks for each metric and writes the values side by side, and notes about
// them to notes.
func (t Table) Print(ctx context.Context, from ask.Archive, out show.RowWriter, notes io.Writer) error {
	subject := subjects[slices.Index(Subjects(), t.Subject)]
	t.Query.Kind, t.Query.By = subject.kind, subject.by
	ranged := t.Query.From != 0
	questions := []query.Query{t.Query}
	if !ranged {
		var err error
		if questions, err = newestBatches(ctx, from, t.Query); err != nil {
			return ask.ExplainNoMatch(ctx, from, t.Query, err)
		}
	}
	said := make(map[string]bool)
	note := func(text string) {
		if !t.Quiet && !said[text] {
			said[text] = true
			show.Lines(notes, "note: ", text)
		}
	}
	table := make(map[string]*row)
	for _, q := range questions {
		if !ranged {
			note("the batch of " + show.Time(q.From, t.Zone))
		}
		for _, m := range metrics(subject.kind) {
			q.Metric, _ = schema.Lookup(m)
			q.Aggs = []query.Agg{query.Max}
			if ranged && isUse(m) {
				q.Aggs = []query.Agg{query.Avg, query.P95, query.Max}
			}
			plan, err := gather(ctx, from, q, table)
			if _, unanswered := errors.AsType[*query.Error](err); unanswered && !isUse(m) {
				continue // there are no requests, for example
			}
			if err != nil {
				if len(table) > 0 {
					return err
				}
				return ask.ExplainNoMatch(ctx, from, t.Query, err)
			}
			for _, text := range plan.Notes {
				if isUse(m) {
					note(text)
				}
			}
		}
	}
	rows := t.sorted(table, ranged)
	if len(rows) == 0 {
		if err := ask.NoMatch(ctx, from, t.Query); err != nil {
			return err
		}
	}
	return t.write(out, subject.names, ranged, rows)
}

// uses are the metrics without which an entity is not shown.
func uses() []schema.MetricName { return []schema.MetricName{"cpu/usage_rate", "memory/working_set"} }

func isUse(m schema.MetricName) bool { return slices.Contains(uses(), m) }

// metrics returns the metrics of a kind. The use comes first.
func metrics(k schema.Kind) []schema.MetricName {
	list := append(uses(), "cpu/request", "cpu/limit", "memory/request", "memory/limit")
	if k == schema.Node {
		list = append(list, "cpu/node_allocatable", "memory/node_allocatable")
	}
	return list
}

// newestBatches returns a query for the newest moment of each cluster, of raw rows.
func newestBatches(ctx context.Context, from ask.Archive, q query.Query) ([]query.Query, error) {
	moments := query.Query{
		Kind: q.Kind, Filter: archive.Filter{Clusters: q.Clusters}, To: q.To, Level: archive.Raw,
		By: []string{"cluster"}, Step: time.Second, Aggs: []query.Agg{query.Count},
	}
	newest := make(map[string]schema.Instant)
	end := q.To
	for _, m := range uses() {
		moments.Metric, _ = schema.Lookup(m)
		c, err := from.Coverage(ctx, moments)
		if err != nil {
			return nil, err
		}
		end = min(end, c.End())
		moments.From = end.Add(-2 * time.Hour)
		plan, err := moments.Plan(c)
		if err != nil {
			continue // there is nothing of it
		}
		if err := from.Answer(ctx, plan, func(row query.Row) error {
			newest[row.Names[0]] = max(newest[row.Names[0]], row.At)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	var all []query.Query
	for _, cluster := range slices.Sorted(maps.Keys(newest)) {
		own := q
		own.Clusters, own.From, own.To, own.Level = []string{cluster}, newest[cluster], newest[cluster]+1, archive.Raw
		all = append(all, own)
	}
	if len(all) == 0 {
		return nil, schema.WithHint(fmt.Errorf("there are no raw samples before %v", end), "give a range with --since; `heapstash status` says from when to when there are samples")
	}
	return all, nil
}

// gather adds a metric's values to the table.
func gather(ctx context.Context, from ask.Archive, q query.Query, table map[string]*row) (query.Plan, error) {
	plan, _, err := query.Ask(ctx, from, q)
	if err != nil {
		return plan, err
	}
	return plan, from.Answer(ctx, plan, func(r query.Row) error {
		name := strings.Join(r.Names, "\x00")
		if table[name] == nil {
			if len(table) >= show.UsualRows {
				return errors.New("there are too many rows: give filters")
			}
			table[name] = &row{cluster: r.Names[0], names: slices.Clone(r.Names[1:]), values: make(map[string]any)}
		}
		for i, agg := range plan.Aggs {
			table[name].values[key(q.Metric.Name, agg)] = r.Values[i]
		}
		return nil
	})
}

// sorted returns the rows with any use, the greatest first.
func (t Table) sorted(table map[string]*row, ranged bool) []*row {
	agg := query.Max
	if ranged {
		agg = query.Avg
	}
	by := map[string]string{"cpu": key("cpu/usage_rate", agg), "memory": key("memory/working_set", agg)}
	var rows []*row
	for _, row := range table {
		if row.values[by["cpu"]] != nil || row.values[by["memory"]] != nil {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.float(by[t.SortBy]), a.float(by[t.SortBy])), cmp.Compare(a.cluster, b.cluster), slices.Compare(a.names, b.names))
	})
	if t.Limit > 0 && len(rows) > t.Limit {
		rows = rows[:t.Limit]
	}
	return rows
}

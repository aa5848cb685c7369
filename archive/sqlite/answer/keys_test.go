package answer_test

import (
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// TestStatementsReachTheKeys holds what is asked to the keys that the views were
// built for, in the stock shell and
// with the library's newer planner: the names by the index of entities, the time by
// the rows' own key, and no table of samples is read as a whole.
func TestStatementsReachTheKeys(t *testing.T) {
	w := newWorld(t, 7, 2)
	lookup := func(name schema.MetricName) schema.Metric {
		if m, ok := schema.Lookup(name); ok {
			return m
		}
		return schema.Metric{Name: name}
	}
	const (
		byPod     = "SEARCH e USING COVERING INDEX entity_key (kind=? AND namespace=? AND pod=?)"
		byKind    = "entity_key (kind=?)"
		rolled    = "SEARCH s USING PRIMARY KEY (entity_id=? AND ts>? AND ts<?)"
		recent    = "SEARCH s USING PRIMARY KEY (ts>? AND ts<?)"
		aGlob     = "entity_key (kind=? AND namespace=? AND pod>? AND pod<?)"
		ofNarrow  = "SEARCH s USING PRIMARY KEY (entity_id=? AND metric_id=? AND ts>? AND ts<?)"
		lookingUp = "SEARCH s USING PRIMARY KEY (entity_id=? AND ts<?)"
	)
	for _, test := range []struct {
		name string
		q    query.Query
		want []string
	}{
		{"a pod by the hour", query.Query{Metric: lookup("cpu/usage_rate"), Kind: schema.Pod, Filter: archive.Filter{Namespaces: []string{"shop"}, Pods: []string{"web-0"}},
			Aggs: []query.Agg{query.Avg, query.Max}, Step: time.Hour}, []string{byPod, rolled, recent}},
		{"pods by the day", query.Query{Metric: lookup("memory/working_set"), Kind: schema.Pod, Filter: archive.Filter{Namespaces: []string{"shop"}, Pods: []string{"web-*"}},
			Aggs: []query.Agg{query.Avg}, Step: 24 * time.Hour, Top: 3}, []string{aGlob, rolled}},
		{"a sum", query.Query{Metric: lookup("memory/working_set"), Kind: schema.Pod, By: []string{"namespace"},
			Aggs: []query.Agg{query.Avg, query.Max}}, []string{byKind, rolled, recent}},
		{"raw rows", query.Query{Metric: lookup("memory/rss"), Kind: schema.Pod, Filter: archive.Filter{Namespaces: []string{"shop"}, Pods: []string{"web-0"}},
			Aggs: []query.Agg{query.P95, query.Last}, Step: time.Minute}, []string{byPod, rolled, recent}},
		{"a counter", query.Query{Metric: lookup("network/rx"), Kind: schema.Pod, Filter: archive.Filter{Namespaces: []string{"shop"}, Pods: []string{"web-0"}},
			Aggs: []query.Agg{query.Rate}, Step: time.Minute}, []string{byPod, rolled, recent, lookingUp}},
		{"a custom metric", query.Query{Metric: lookup("custom/queue"), Kind: schema.Pod, Filter: archive.Filter{Namespaces: []string{"shop"}, Pods: []string{"web-0"}},
			Aggs: []query.Agg{query.Avg}, Step: time.Hour}, []string{"entity_key (kind=? AND namespace=? AND pod=?)", ofNarrow}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.q.From, test.q.To = begin, begin+4*24*3600
			statement := w.reader.Explain(w.plan(t, test.q))
			var stock strings.Builder
			for _, record := range w.stock(t, "EXPLAIN QUERY PLAN "+statement) {
				stock.WriteString(strings.Join(record, ",") + "\n")
			}
			for who, plan := range map[string]string{"stock": stock.String(), "own": w.explain(t, statement)} {
				for _, want := range test.want {
					if !strings.Contains(plan, want) {
						t.Errorf("%s: no %q", who, want)
					}
				}
				if strings.Contains(plan, "SCAN s\n") {
					t.Errorf("%s: samples are scanned", who)
				}
				if t.Failed() {
					t.Logf("%s\n%s", statement, plan)
				}
			}
		})
	}
}

// explain returns the plan that the reader makes.
func (w *world) explain(t *testing.T, statement string) string {
	t.Helper()
	rows, err := w.reader.Query(t.Context(), "EXPLAIN QUERY PLAN "+statement)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(detail + "\n")
	}
	return plan.String()
}

package query_test

import (
	"strings"
	"testing"
	gotime "time"

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
		{"a pod by the hour", query.Query{Metric: lookup("cpu/usage_rate"), Kind: schema.Pod, Namespaces: []string{"shop"}, Pods: []string{"web-0"},
			Aggs: []query.Agg{query.Avg, query.Max}, Step: gotime.Hour}, []string{byPod, rolled, recent}},
		{"pods by the day", query.Query{Metric: lookup("memory/working_set"), Kind: schema.Pod, Namespaces: []string{"shop"}, Pods: []string{"web-*"},
			Aggs: []query.Agg{query.Avg}, Step: 24 * gotime.Hour, Top: 3}, []string{aGlob, rolled}},
		{"a sum", query.Query{Metric: lookup("memory/working_set"), Kind: schema.Pod, By: []string{"namespace"},
			Aggs: []query.Agg{query.Avg, query.Max}}, []string{byKind, rolled, recent}},
		{"raw rows", query.Query{Metric: lookup("memory/rss"), Kind: schema.Pod, Namespaces: []string{"shop"}, Pods: []string{"web-0"},
			Aggs: []query.Agg{query.P95, query.Last}, Step: gotime.Minute}, []string{byPod, rolled, recent}},
		{"a counter", query.Query{Metric: lookup("network/rx"), Kind: schema.Pod, Namespaces: []string{"shop"}, Pods: []string{"web-0"},
			Aggs: []query.Agg{query.Rate}, Step: gotime.Minute}, []string{byPod, rolled, recent, lookingUp}},
		{"a custom metric", query.Query{Metric: lookup("custom/queue"), Kind: schema.Pod, Namespaces: []string{"shop"}, Pods: []string{"web-0"},
			Aggs: []query.Agg{query.Avg}, Step: gotime.Hour}, []string{"entity_key (kind=? AND namespace=? AND pod=?)", ofNarrow}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.q.From, test.q.To = begin, begin+4*24*3600
			coverage, err := w.reader.Coverage(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			p, err := test.q.Plan(coverage)
			if err != nil {
				t.Fatal(err)
			}
			for who, plan := range map[string]string{
				"stock": stock(t, w.path, "EXPLAIN QUERY PLAN "+p.Statement().Literal()),
				"own":   w.explain(t, p.Statement()),
			} {
				for _, want := range test.want {
					if !strings.Contains(plan, want) {
						t.Errorf("%s: no %q", who, want)
					}
				}
				if strings.Contains(plan, "SCAN s\n") {
					t.Errorf("%s: samples are scanned", who)
				}
				if t.Failed() {
					t.Logf("%s\n%s", p.Statement().Literal(), plan)
				}
			}
		})
	}
}

// explain returns the plan that the reader makes.
func (w *world) explain(t *testing.T, s query.Statement) string {
	t.Helper()
	rows, err := w.reader.Query(t.Context(), "EXPLAIN QUERY PLAN "+s.Text, s.Args...)
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

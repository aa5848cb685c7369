package query

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

const day = schema.Instant(1506470400) // 2017-09-27T00:00:00Z

const hour = 3600

func metric(t *testing.T, name schema.MetricName) schema.Metric {
	t.Helper()
	m, ok := schema.Lookup(name)
	if !ok {
		return schema.Metric{Name: name}
	}
	return m
}

// full is an archive of ten days, of which the last hours are not rolled up.
func full() Coverage {
	end := day + 10*24*hour + 5*hour + 600
	return Coverage{Entities: 1, Levels: map[archive.Level]Span{
		archive.Raw:    {day + 60, end},
		archive.Hourly: {day, day + 10*24*hour + 4*hour},
		archive.Daily:  {day, day + 10*24*hour},
	}}
}

// pruned is that with raw rows of two days, and hourly ones of five.
func pruned() Coverage {
	c := full()
	c.Levels[archive.Raw] = Span{day + 8*24*hour, c.End()}
	c.Levels[archive.Hourly] = Span{day + 5*24*hour, c.Levels[archive.Hourly].To}
	return c
}

// fresh is an archive that has no rollups yet.
func fresh() Coverage {
	c := full()
	c.Levels[archive.Hourly], c.Levels[archive.Daily] = Span{}, Span{}
	return c
}

// born is that of a thing that there is since the middle of the second day.
func born() Coverage {
	c := full()
	c.Levels[archive.Raw] = Span{day + 34*hour + 1860, c.End()}
	c.Levels[archive.Hourly] = Span{day + 34*hour, c.Levels[archive.Hourly].To}
	c.Levels[archive.Daily] = Span{day + 24*hour, c.Levels[archive.Daily].To}
	return c
}

// spell writes segments as hours since the day began.
func spell(segments []Segment) string {
	var texts []string
	for _, s := range segments {
		texts = append(texts, fmt.Sprintf("%s %.4g-%.4g", s.Level, float64(s.From-day)/hour, float64(s.To-day)/hour))
	}
	return strings.Join(texts, ", ")
}

func TestPlanChoosesLevels(t *testing.T) {
	pod := Query{Metric: schema.Metric{}, Kind: schema.Pod, Aggs: []Agg{Avg}}
	for _, test := range []struct {
		name     string
		coverage Coverage
		ask      func(q *Query)
		from, to schema.Instant // in seconds since the day began
		want     string
		note     string
	}{
		{"minutes", full(), func(q *Query) { q.Step = 5 * time.Minute }, 100, 7200, "raw 0-2", ""},
		{"hours", full(), func(q *Query) { q.Step = time.Hour }, 5000, 3 * hour, "hourly 1-3", ""},
		{"hours and a rest", full(), func(q *Query) { q.Step = 2 * time.Hour }, 5000, 3*hour + 1800, "hourly 0-3, raw 3-3.5", ""},
		{"the newest hours", full(), func(q *Query) { q.Step = time.Hour }, 242 * hour, 300 * hour, "hourly 242-244, raw 244-245.2", ""},
		{"days", full(), func(q *Query) { q.Step = 24 * time.Hour }, 24 * hour, 300 * hour, "daily 24-240, hourly 240-244, raw 244-245.2", ""},
		{"a range", full(), func(*Query) {}, 23*hour + 1800, 50 * hour, "raw 23.5-24, daily 24-48, hourly 48-50", ""},
		{"an hour and a half of days", full(), func(q *Query) { q.Step = 90 * time.Minute }, 0, 3 * hour, "raw 0-3", ""},
		{"no rollups", fresh(), func(q *Query) { q.Step = time.Hour }, 0, 3 * hour, "raw 0.01667-3", ""},
		{"asked for raw", full(), func(q *Query) { q.Step, q.Level = time.Hour, archive.Raw }, 0, 3 * hour, "raw 0-3", ""},
		{"asked for hourly", full(), func(q *Query) { q.Level = archive.Hourly }, 24 * hour, 72 * hour, "hourly 24-72", ""},

		{"owners", full(), func(q *Query) { q.By = []string{"owner"} }, 24 * hour, 72 * hour, "hourly 24-72", "counts for the later pod"},
		{"owners of a few hours", full(), func(q *Query) { q.By = []string{"owner"} }, 24 * hour, 30 * hour, "raw 24-30", "raw rows"},
		{"pods of a node by the day", full(), func(q *Query) { q.Nodes, q.Step = []string{"n"}, 24*time.Hour }, 24 * hour, 72 * hour, "hourly 24-72", "counts for the later pod"},
		{"last of a gauge", full(), func(q *Query) { q.Step, q.Aggs = time.Hour, []Agg{Avg, Last} }, 0, 3 * hour, "raw 0-3", "last is made of raw rows"},
		{"percentiles by the hour", full(), func(q *Query) { q.Step, q.Aggs = time.Hour, []Agg{P95} }, 0, 3 * hour, "hourly 0-3", ""},
		{"percentiles by the day", full(), func(q *Query) { q.Step, q.Aggs = 24*time.Hour, []Agg{P95, Avg} }, 0, 48 * hour, "hourly 0-48", "that of the hours' percentiles"},
		{"percentiles of a long range", full(), func(q *Query) { q.Aggs = []Agg{P50} }, 24 * hour, 72 * hour, "hourly 24-72", "that of the hours' percentiles"},
		{"percentiles of a short range", full(), func(q *Query) { q.Aggs = []Agg{P50} }, 24 * hour, 48 * hour, "raw 24-48", "exact"},
		{"percentiles of sums", full(), func(q *Query) { q.By, q.Step, q.Aggs = []string{"namespace"}, time.Hour, []Agg{P95} }, 0, 3 * hour, "raw 0-3", "do not add up"},
		{"percentiles of another metric", full(), func(q *Query) { q.Metric.Name, q.Step, q.Aggs = "memory/rss", time.Hour, []Agg{P95} }, 0, 3 * hour, "raw 0-3", "no percentiles of it"},
		{"sums", full(), func(q *Query) { q.By, q.Step = []string{"namespace"}, time.Hour }, 0, 3 * hour, "hourly 0-3", "bounds"},

		{"born in the middle of a day, by the minute", born(), func(q *Query) { q.Step = time.Minute }, 0, 250 * hour, "raw 24-245.2", ""},
		{"born in the middle of a day, of raw rows", born(), func(q *Query) { q.Level = archive.Raw }, 0, 40 * hour, "raw 24-40", ""},
		{"born in the middle of a day, of hours", born(), func(q *Query) { q.Level = archive.Hourly }, 0, 72 * hour, "hourly 24-72", ""},
		{"pruned, by the hour", pruned(), func(q *Query) { q.Step = time.Hour }, 150 * hour, 250 * hour, "hourly 150-244, raw 244-245.2", ""},
		{"pruned, by the minute", pruned(), func(q *Query) { q.Step = time.Minute }, 150 * hour, 250 * hour, "raw 192-245.2", "raw rows are kept from 2017-10-05T00:00:00Z on only: ask for a step of whole hours, which reach back to 2017-09-27T00:00:00Z"},
		{"pruned, by the hour and too far", pruned(), func(q *Query) { q.Step = time.Hour }, 24 * hour, 250 * hour, "hourly 120-244, raw 244-245.2", "hourly rows are kept from"},
		{"pruned, by the day", pruned(), func(q *Query) { q.Step = 24 * time.Hour }, 24 * hour, 250 * hour, "daily 24-240, hourly 240-244, raw 244-245.2", ""},
		{"pruned, the rest of an hour", pruned(), func(*Query) {}, 150*hour + 600, 250 * hour, "hourly 150-168, daily 168-240, hourly 240-244, raw 244-245.2", ""},
		{"pruned, the rest of a day", pruned(), func(*Query) {}, 30*hour + 600, 80*hour + 60, "daily 24-96", ""},
		{"pruned, percentiles", pruned(), func(q *Query) { q.Metric.Name, q.Step, q.Aggs = "memory/rss", time.Hour, []Agg{P95} }, 150 * hour, 250 * hour, "raw 192-245.2", "ask for other aggregates"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := pod
			q.Metric = metric(t, "memory/working_set")
			q.From, q.To = day+test.from, day+test.to
			test.ask(&q)
			p, err := q.Plan(test.coverage)
			if err != nil {
				t.Fatal(err)
			}
			if got := spell(p.Segments); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, test.note) || test.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	for _, test := range []struct {
		name       string
		ask        func(q *Query)
		want, hint string
	}{
		{"an average of a counter", func(q *Query) { q.Metric = metric(t, "network/rx") }, "network/rx is a counter: it has no avg", "network/rx_rate"},
		{"growth of a gauge", func(q *Query) { q.Metric, q.Aggs = metric(t, "network/rx_rate"), []Agg{Rate} }, "is a gauge: it has no rate", "the counter network/rx"},
		{"a name that the kind has not", func(q *Query) { q.Containers = []string{"c1"} }, "of the kind pod has no container", "it has cluster, namespace, pod; with --by also node, owner, label:KEY"},
		{"a node of namespaces", func(q *Query) { q.Kind, q.Nodes = schema.Namespace, []string{"n1"} }, "of the kind namespace has no node", "it has cluster, namespace"},
		{"an owner of nodes", func(q *Query) { q.Kind, q.By = schema.Node, []string{"owner"} }, "of the kind node has no owner", "it has cluster, node"},
		{"a label that is none", func(q *Query) { q.By = []string{`label:a"b`} }, `no label has the key "a\"b"`, "label:app"},
		{"days of owners", func(q *Query) { q.By, q.Level = []string{"owner"}, archive.Daily }, "avg of cpu/usage_rate is not in daily rows: a day may be of two incarnations", "--level hourly"},
		{"a label that it has not", func(q *Query) { q.Labels = map[string]string{"resource_id": "/"} }, "has no resource_id", ""},
		{"groups by what it has not", func(q *Query) { q.By = []string{"zone"} }, "has no zone", ""},
		{"no time", func(q *Query) { q.From = q.To }, "before it begins", ""},
		{"half a second", func(q *Query) { q.Step = 1500 * time.Millisecond }, "a step of 1.5s", "whole seconds"},
		{"minutes of hourly rows", func(q *Query) { q.Step, q.Level = time.Minute, archive.Hourly }, "cannot be made of hourly rows", "--level raw"},
		{"percentiles of daily rows", func(q *Query) { q.Level, q.Aggs = archive.Daily, []Agg{P95} }, "p95 of cpu/usage_rate is not in daily rows", "--level hourly"},
		{"the future", func(q *Query) { q.From, q.To = day+400*24*hour, day+401*24*hour }, "there is nothing of cpu/usage_rate", "from 2017-09-27T00:00:00Z to 2017-10-07T05:10:00Z"},
		{"raw rows that are gone", func(q *Query) { q.From, q.To, q.Step = day, day+hour, time.Minute }, "raw rows of that time are not kept any more", "a step of whole hours"},
		{"what needs raw rows that are gone", func(q *Query) { q.From, q.To, q.Aggs = day, day+hour, []Agg{Last} }, "raw rows of that time", "other aggregates"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q := Query{Metric: metric(t, "cpu/usage_rate"), Kind: schema.Pod, Aggs: []Agg{Avg}, From: day + 200*hour, To: day + 220*hour}
			test.ask(&q)
			_, err := q.Plan(pruned())
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(schema.HintOf(err), test.hint) {
				t.Errorf("%v, hint %q; want %q, %q", err, schema.HintOf(err), test.want, test.hint)
			}
		})
	}
}

func TestKindsAreTheCoarsestFirst(t *testing.T) {
	for _, test := range []struct {
		name     string
		ask      Query
		carriers []schema.Kind
		want     string
	}{
		{"cpu/usage_rate", Query{}, nil, "[cluster namespace node pod container system_container]"},
		{"memory/working_set", Query{}, nil, "[node pod container system_container]"},
		{"cpu/usage_rate", Query{Filter: archive.Filter{Namespaces: []string{"a"}}}, nil, "[namespace pod container]"},
		{"memory/working_set", Query{Filter: archive.Filter{Namespaces: []string{"a"}}}, nil, "[pod container]"},
		{"cpu/usage_rate", Query{Filter: archive.Filter{Pods: []string{"a"}}}, nil, "[pod container]"},
		{"cpu/usage_rate", Query{Filter: archive.Filter{Containers: []string{"a"}}}, nil, "[container system_container]"},
		{"cpu/usage_rate", Query{Filter: archive.Filter{Nodes: []string{"a"}}}, nil, "[node pod container system_container]"},
		{"cpu/usage_rate", Query{By: []string{"owner"}}, nil, "[pod container]"},
		{"cpu/usage_rate", Query{By: []string{"label:app"}}, nil, "[pod container]"},
		{"cpu/usage_rate", Query{By: []string{"node"}, Filter: archive.Filter{Namespaces: []string{"a"}}}, nil, "[pod container]"},
		{"cpu/usage_rate", Query{Filter: archive.Filter{ExcludeNamespaces: []string{"a"}}}, nil, "[namespace pod container]"},
		{"cpu/usage_rate", Query{By: []string{"pod"}}, nil, "[pod container]"},
		{"filesystem/usage", Query{Filter: archive.Filter{Labels: map[string]string{"resource_id": "/"}}}, nil, "[node pod container]"},
		{"custom/queue", Query{}, []schema.Kind{schema.Container, schema.Pod}, "[pod container]"},
		{"cpu/node_capacity", Query{Filter: archive.Filter{Pods: []string{"a"}}}, nil, ""},
	} {
		q := test.ask
		q.Metric = metric(t, schema.MetricName(test.name))
		got, err := q.Kinds(test.carriers)
		if test.want == "" {
			if err == nil || !strings.Contains(schema.HintOf(err), "node (cluster, node)") {
				t.Errorf("%s: %v, %v", test.name, got, err)
			}
		} else if fmt.Sprint(got) != test.want || err != nil {
			t.Errorf("%s, %+v: %v, %v", test.name, test.ask, got, err)
		}
	}
}

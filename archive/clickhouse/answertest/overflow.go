package answertest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// Overflow makes an archive at the address with greatest and least integers. Their sums
// are exact if they fit into 64 bits, whatever the order; else they are errors, and never
// wrapped.
func Overflow(t *testing.T, address string) {
	t.Helper()
	const noon = schema.Instant(1506513600)
	s, err := Engine(address).Store(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := archive.Batch{Cluster: "default", Horizon: noon + 60}
	for namespace, values := range map[string][]int64{
		"large":  {math.MaxInt64, math.MaxInt64},
		"small":  {math.MinInt64, -1},
		"within": {math.MaxInt64, math.MinInt64, 7, math.MaxInt64, math.MinInt64},
	} {
		for i, v := range values {
			pod := schema.PodEntity(namespace, fmt.Sprint("p-", i))
			for at := range schema.Instant(2) {
				b.Rows = append(b.Rows, schema.Row{Entity: pod, At: noon + 60*at, Readings: []schema.Reading{
					{Metric: "memory/usage", Value: schema.Int(v)}, {Metric: "custom/x", Value: schema.Int(v)},
					{Metric: "network/rx", Value: schema.Int(max(v, 0) * int64(at))},
				}})
			}
		}
	}
	p := archive.Pass{Cluster: "default", Started: noon.Time()}
	if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	b.Pass = p.ID
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	p.Horizon, p.Finished, p.Outcome = b.Horizon, p.Started, archive.OutcomeComplete
	if err := s.EndPass(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	r, err := Engine(address).Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, test := range []struct {
		metric    schema.MetricName
		agg       query.Agg
		namespace string
		at        schema.Instant // of the first of the samples
		want      any            // nil for an error
	}{
		{"memory/usage", query.Sum, "large", noon + 60, nil}, {"memory/usage", query.Sum, "large", noon, nil}, {"memory/usage", query.Sum, "small", noon + 60, nil},
		{"custom/x", query.Sum, "large", noon + 60, nil}, {"custom/x", query.Sum, "small", noon + 60, nil}, {"network/rx", query.Increase, "large", noon, nil},
		{"memory/usage", query.Sum, "within", noon + 60, int64(5)}, {"custom/x", query.Sum, "within", noon + 60, int64(5)},
	} {
		metric, known := schema.Lookup(test.metric)
		if !known {
			metric = schema.Metric{Name: test.metric}
		}
		q := query.Query{Metric: metric, Kind: schema.Pod, By: []string{"namespace"}, Aggs: []query.Agg{test.agg}, From: test.at, To: noon + 120, Level: archive.Raw,
			Filter: archive.Filter{Namespaces: []string{test.namespace}}}
		var got []any
		plan, _, err := query.Ask(t.Context(), r, q)
		if err == nil {
			err = r.Answer(t.Context(), plan, func(row query.Row) error {
				got = append(got, row.Values[0])
				return nil
			})
		}
		switch {
		case test.want == nil && (err == nil || !strings.Contains(err.Error(), "beyond 64 bits")):
			t.Errorf("%s, %s of %s: %v, %v, want an error", test.metric, test.agg, test.namespace, got, err)
		case test.want != nil && (err != nil || len(got) != 1 || got[0] != test.want):
			t.Errorf("%s, %s of %s: %v, %v, want %v", test.metric, test.agg, test.namespace, got, err, test.want)
		}
	}
}

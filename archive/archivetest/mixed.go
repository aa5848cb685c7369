package archivetest

import (
	"fmt"
	"math"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// mixedNumbers: of integers and floats, an aggregate that is one of them is exact and
// keeps its type, and integers cancel out exactly. A sum that has a float is a float, so
// it is never beyond 64 bits.
func mixedNumbers(b *bench) {
	const beyond = int64(1) << 53
	tests := []struct {
		values []any // of a pod, a minute apart
		wants  map[query.Agg]any
	}{
		{[]any{beyond + 1, 0.5, 293076992}, map[query.Agg]any{
			query.Max: beyond + 1, query.Min: 0.5, query.Last: int64(293076992), query.P95: beyond + 1, query.P50: int64(293076992), query.Count: int64(3),
		}},
		{[]any{float64(beyond), beyond + 1, float64(beyond + 2), beyond + 3}, map[query.Agg]any{
			query.Min: float64(beyond), query.P50: beyond + 1, query.P95: beyond + 3, query.Max: beyond + 3, query.Increase: 4.0,
		}},
		{[]any{-beyond - 1, 0.5, -float64(beyond)}, map[query.Agg]any{query.Min: -beyond - 1, query.Max: 0.5, query.P50: -float64(beyond), query.Last: -float64(beyond)}},
		{[]any{int64(math.MaxInt64), float64(1 << 63), int64(math.MaxInt64) - 1}, map[query.Agg]any{
			query.Max: float64(1 << 63), query.Min: int64(math.MaxInt64) - 1, query.P50: int64(math.MaxInt64),
		}},
		{[]any{int64(math.MaxInt64) - 5, 0.25, -int64(math.MaxInt64) + 7}, map[query.Agg]any{query.Sum: 2.25, query.Avg: 0.75}},
		{[]any{int64(math.MaxInt64), int64(math.MaxInt64), 0.5}, map[query.Agg]any{query.Sum: float64(1 << 64), query.Avg: float64(1<<64) / 3}},
		{[]any{1.5, 2, 3}, map[query.Agg]any{query.Increase: 1.5, query.Sum: 6.5, query.Last: int64(3)}},
		{[]any{7.5}, map[query.Agg]any{query.Increase: int64(0), query.Max: 7.5}},
		{[]any{beyond + 1, beyond + 4, 2}, map[query.Agg]any{query.Increase: int64(5), query.Sum: 2*beyond + 7}},
	}
	metrics := []schema.MetricName{"cpu/usage_rate", "network/rx_rate", "memory/usage", "custom/x"}
	pod := func(test int) schema.Entity { return schema.PodEntity("shop", fmt.Sprint("p-", test)) }
	batches := make([]archive.Batch, 4)
	for i := range batches {
		at := noon + schema.Instant(i)*minute
		batches[i].Horizon = at
		for test, t := range tests {
			if i < len(t.values) {
				var readings []any
				for _, m := range metrics {
					readings = append(readings, string(m), t.values[i])
				}
				batches[i].Rows = append(batches[i].Rows, row(pod(test), at, readings...))
			}
		}
	}
	b.write(cluster, batches...)
	r := b.reader()
	for _, name := range metrics {
		metric, ok := schema.Lookup(name)
		if !ok {
			metric = schema.Metric{Name: name}
		}
		for i, test := range tests {
			for agg, want := range test.wants {
				q := query.Query{Metric: metric, Kind: schema.Pod, Aggs: []query.Agg{agg}, From: noon, To: noon + day, Level: archive.Raw,
					Filter: archive.Filter{Pods: []string{pod(i).Pod}}}
				if agg == query.Increase && ok {
					continue // no counter
				}
				var got []any
				p, _, err := query.Ask(b.Context(), r, q)
				if err == nil {
					err = r.Answer(b.Context(), p, func(row query.Row) error {
						got = append(got, row.Values[0])
						return nil
					})
				}
				if err != nil || len(got) != 1 || got[0] != want {
					b.Errorf("%s of %s of %v is %v, %v, want %v (%T)", agg, name, test.values, got, err, want, want)
				}
			}
		}
	}
}

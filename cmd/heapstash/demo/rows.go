package demo

import (
	"slices"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// rowsOf returns the rows that a pass makes of a batch. The model API cuts floats to
// integers; metric-export has labelled metrics exactly.
func rowsOf(b heapsim.Batch, rows []schema.Row) []schema.Row {
	at := schema.InstantOf(b.At)
	for _, set := range b.Sets {
		row := schema.Row{Entity: set.Entity, At: at, Readings: make([]schema.Reading, 0, len(set.Values))}
		for m, v := range set.Values {
			if _, whole := v.Int64(); !whole {
				v = schema.Int(int64(v.Float64()))
			}
			row.Readings = append(row.Readings, schema.Reading{Metric: m, Value: v})
		}
		rows = append(rows, row)
		first := len(rows)
		for _, l := range set.Labelled {
			of := set.Entity
			of.Labels = schema.SpellLabels(l.Labels)
			i := slices.IndexFunc(rows[first:], func(r schema.Row) bool { return r.Entity == of })
			if i < 0 {
				i = len(rows) - first
				rows = append(rows, schema.Row{Entity: of, At: at})
			}
			rows[first+i].Readings = append(rows[first+i].Readings, schema.Reading{Metric: l.Metric, Value: l.Value})
		}
	}
	return rows
}

// identities returns the identities of the batch's pods.
func (s *Story) identities(b heapsim.Batch) (all []schema.Identity) {
	for _, set := range b.Sets {
		if set.Entity.Kind != schema.Pod {
			continue
		}
		if i, found := s.cluster.Identity(set.Entity); found {
			i.Since = schema.InstantOf(b.At)
			all = append(all, i)
		}
	}
	return all
}

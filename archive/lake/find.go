package lake

import (
	"context"
	"iter"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// Find implements [archive.Lake]. It does not need the lake's lock.
func (l *Lake) Find(ctx context.Context, of archive.LakeDay, entities []schema.Entity) iter.Seq2[*archive.Series, error] {
	return func(yield func(*archive.Series, error) bool) {
		t := layoutOf().byName[of.Table]
		if t == nil {
			return
		}
		parts, err := l.parts(partition{t, of.Cluster, of.Day})
		if err != nil {
			yield(nil, l.explainRead(err))
			return
		}
		wanted := make(map[schema.Entity]bool)
		for _, e := range entities {
			wanted[e] = true
		}
		for _, p := range parts {
			inside := func(e schema.Entity) bool {
				return compareEntities(&e, &p.first) >= 0 && compareEntities(&e, &p.last) <= 0
			}
			if !slices.ContainsFunc(entities, inside) {
				continue
			}
			for r, err := range p.read(ctx, nil) {
				if err != nil {
					yield(nil, l.explainRead(err))
					return
				}
				if wanted[*r.Entity] && !yield(p.table.seriesOf(r), nil) {
					return
				}
			}
		}
	}
}

// seriesOf returns the samples of a row.
func (t *table) seriesOf(r Row) *archive.Series {
	s := &archive.Series{Cluster: r.Cluster, Entity: *r.Entity}
	var samples []archive.Sample
	for i, c := range r.Cells {
		if c.Set {
			samples = append(samples, archive.Sample{Column: len(s.Columns), At: r.At, Value: c.Value})
			s.Columns = append(s.Columns, archive.Column{Metric: t.metricOf(r, i)})
		}
	}
	s.Samples = slices.Values(samples)
	return s
}

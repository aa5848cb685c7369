package fetch

import "heapstash/schema"

// Rows collects points, which come by metric, into rows, one for each entity and
// time.
type Rows struct {
	rows  []schema.Row
	index map[rowKey]int
}

type rowKey struct {
	entity schema.Entity
	at     schema.Instant
}

func NewRows() *Rows { return &Rows{index: make(map[rowKey]int)} }

func (r *Rows) Add(e schema.Entity, m schema.MetricName, points []schema.Point) {
	for _, point := range points {
		key := rowKey{e, point.At}
		i, ok := r.index[key]
		if !ok {
			i = len(r.rows)
			r.index[key] = i
			r.rows = append(r.rows, schema.Row{Entity: e, At: point.At})
		}
		r.rows[i].Readings = append(r.rows[i].Readings, schema.Reading{Metric: m, Value: point.Value})
	}
}

func (r *Rows) All() []schema.Row { return r.rows }

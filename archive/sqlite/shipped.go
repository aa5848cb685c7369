package sqlite

import (
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// sampleKey is the key of a sample of a cluster.
type sampleKey struct {
	entity schema.Entity
	metric schema.MetricName
	at     schema.Instant
}

// withoutShipped returns the rows without the samples that the lake has. These are counted
// as read again, or as conflicts. Where the lake cannot be read, they are written, and
// shipping compares them later. A float that the lake has as a cut integer is written.
func (w *writer) withoutShipped(rows []schema.Row) ([]schema.Row, error) {
	if w.Options.Lake == nil {
		return rows, nil
	}
	spans, err := conn.InLake(w.Ctx, w.Tx)
	if err != nil {
		return nil, err
	}
	var newest schema.Instant
	for _, span := range spans {
		if span.Cluster == w.cluster {
			newest = max(newest, span.Until)
		}
	}
	if !slices.ContainsFunc(rows, func(r schema.Row) bool { return r.At < newest }) {
		return rows, nil
	}
	shipped := w.shippedSamples(spans, rows)
	if len(shipped) == 0 {
		return rows, nil
	}
	var left []schema.Row
	for _, row := range rows {
		row.Readings = slices.DeleteFunc(slices.Clone(row.Readings), func(r schema.Reading) bool {
			kept, there := shipped[sampleKey{row.Entity, r.Metric, row.At}]
			return there && !w.tallyShipped(row, r, kept)
		})
		left = append(left, row)
	}
	return left, nil
}

// tallyShipped counts a sample that the lake has, and reports whether it is to be written.
func (w *writer) tallyShipped(row schema.Row, r schema.Reading, kept schema.Value) (written bool) {
	value, verdict := kept.Meet(r.Value)
	if verdict == schema.Refined {
		return true
	}
	var key tables.RowKey
	if verdict == schema.Conflicting {
		key = tables.RowKey{At: row.At, Entity: w.entityID(row.Entity, row.At)}
	}
	w.tally(verdict, key, w.metricID(r.Metric), value, r.Value)
	return false
}

// shippedSamples returns what the lake has of the rows' entities on the rows' days.
func (w *writer) shippedSamples(spans []archive.LakeSpan, rows []schema.Row) map[sampleKey]schema.Value {
	days := make(map[archive.LakeDay][]schema.Entity)
	for _, row := range rows {
		for _, r := range row.Readings {
			name := tables.NarrowName
			if t, _ := w.Layout.Find(row.Entity, r.Metric); t != nil {
				name = t.Name
			}
			if slices.ContainsFunc(spans, func(s archive.LakeSpan) bool {
				return s.Cluster == w.cluster && s.Table == name && s.Kind == row.Entity.Kind && s.From <= row.At && row.At < s.Until
			}) {
				day := archive.LakeDay{Table: name, Cluster: w.cluster, Day: archive.Daily.Begin(row.At)}
				if of := days[day]; len(of) == 0 || of[len(of)-1] != row.Entity {
					days[day] = append(of, row.Entity)
				}
			}
		}
	}
	shipped := make(map[sampleKey]schema.Value)
	for day, entities := range days {
		for s, err := range w.Options.Lake.Find(w.caller, day, entities) {
			if err != nil {
				break
			}
			for sample := range s.Samples {
				shipped[sampleKey{s.Entity, s.Columns[sample.Column].Metric, sample.At}] = sample.Value
			}
		}
	}
	return shipped
}

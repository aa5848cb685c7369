// Package answertest is for tests of answers on any ClickHouse server: it writes made-up
// samples straight into the tables, and holds answers to the oracle.
package answertest

import (
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query/querytest"
	"heapstash/schema"
)

// Fill writes the samples, entities and incarnations of a world into an empty archive.
func Fill(ctx context.Context, c *conn.Conn, w *querytest.World) error {
	type rowKey struct {
		table *tables.Table
		querytest.Subject
		at schema.Instant
	}
	wide := make(map[rowKey]map[int]schema.Value)
	entities := make(map[querytest.Subject]bool)
	all := make(map[*tables.Table][][]any)
	for _, s := range w.Samples {
		entities[s.Subject] = true
		t, i := c.Layout.Find(s.Entity, s.Metric)
		if t != nil && fits(t, i, s.Value) {
			key := rowKey{t, s.Subject, s.At}
			if wide[key] == nil {
				wide[key] = make(map[int]schema.Value)
			}
			wide[key][i] = s.Value
			continue
		}
		var integer *int64
		var float *float64
		if v, is := s.Value.Int64(); is {
			integer = &v
		} else {
			float = new(s.Value.Float64())
		}
		names := append([]any{s.Cluster, string(s.Metric)}, namesOf(s.Subject)[1:]...)
		all[c.Layout.Narrow] = append(all[c.Layout.Narrow], append(names, int64(s.At), integer, float, uint64(1)))
	}
	for key, values := range wide {
		row := keyOf(key.table, key.Subject)
		var bits uint64
		row = append(row, int64(key.at))
		for i, m := range key.table.Metrics {
			v, there := values[i]
			integer, is := v.Int64()
			switch {
			case !there:
				row = append(row, nil)
			case m.IsFloat():
				if is {
					bits |= key.table.Bit(i)
				}
				row = append(row, v.Float64())
			default:
				row = append(row, integer)
			}
		}
		all[key.table] = append(all[key.table], append(row, bits, uint64(1)))
	}
	for s := range entities {
		all[c.Layout.Entity] = append(all[c.Layout.Entity], append(namesOf(s), int64(querytest.Begin), int64(0), uint8(0), uint64(1)))
	}
	for s, incarnations := range w.Incarnations {
		for i, one := range incarnations {
			to := int64(one.To)
			if one.Present {
				to = 0
			}
			all[c.Layout.PodIdentity] = append(all[c.Layout.PodIdentity], []any{s.Cluster, s.Namespace, s.Pod, string(rune('a' + i)),
				one.Node, one.Labels, "", one.OwnerKind, one.Owner, int64(one.From), to, uint8(0), uint64(1)})
		}
	}
	last := w.Samples[len(w.Samples)-1]
	all[c.Layout.ClusterState] = [][]any{{last.Cluster, int64(last.At), int64(last.At), uint8(0), uint64(1)}}
	all[c.Layout.Pass] = [][]any{passOf(c.Layout.Pass, last)}
	var errs []error
	for t, rows := range all {
		errs = append(errs, c.Insert(ctx, t, rows))
	}
	return errors.Join(errs...)
}

// passOf returns the row of a pass that read everything.
func passOf(t *tables.Table, last querytest.Sample) (row []any) {
	for _, column := range t.Columns() {
		switch column.Name {
		case "id", tables.Revision:
			row = append(row, map[string]any{"id": int64(1), tables.Revision: uint64(1)}[column.Name])
		case "cluster":
			row = append(row, last.Cluster)
		case "horizon", "newest", "started", "finished":
			row = append(row, int64(last.At))
		case "outcome":
			row = append(row, string(archive.OutcomeComplete))
		case tables.Deleted:
			row = append(row, uint8(0))
		default:
			row = append(row, map[string]any{"String": "", "Int64": int64(0)}[column.Type])
		}
	}
	return row
}

// fits reports whether the value has a place in the i-th metric's column.
func fits(t *tables.Table, i int, v schema.Value) bool {
	integer, is := v.Int64()
	if t.Metrics[i].IsFloat() {
		return !is || int64(float64(integer)) == integer
	}
	return is
}

func namesOf(s querytest.Subject) []any {
	return []any{s.Cluster, s.Kind.String(), s.Namespace, s.Pod, s.Container, s.Node, s.Labels}
}

// keyOf returns the subject's names in the table's key.
func keyOf(t *tables.Table, s querytest.Subject) (row []any) {
	for _, column := range t.KeyNames() {
		switch column {
		case "cluster":
			row = append(row, s.Cluster)
		case "kind":
			row = append(row, s.Kind.String())
		case "namespace":
			row = append(row, s.Namespace)
		case "pod":
			row = append(row, s.Pod)
		case "container":
			row = append(row, s.Container)
		case "node":
			row = append(row, s.Node)
		case "labels":
			row = append(row, s.Labels)
		}
	}
	return row
}

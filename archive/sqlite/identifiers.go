package sqlite

import (
	"heapstash/archive/sqlite/conn"
	"heapstash/schema"
)

// entityID returns the id of the entity, and inserts the entity if it is new.
func (w *writer) entityID(e schema.Entity, firstSeen schema.Instant) int64 {
	key := entityKey{w.cluster, e}
	if id, ok := w.Store.entities[key]; ok {
		return id
	}
	id, ok := w.entities[key]
	if ok {
		return id
	}
	name := []any{e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels, w.cluster}
	if !w.One(conn.SelectEntityID, []any{&id}, name...) {
		id = w.Number(conn.InsertEntity, append(name, firstSeen)...)
	}
	w.entities[key] = id
	return id
}

// metricID returns the id of the metric, and inserts the metric if it is new. The metrics
// of the registry exist from the start.
func (w *writer) metricID(m schema.MetricName) int64 {
	if id, ok := w.Store.metrics[m]; ok {
		return id
	}
	id, ok := w.metrics[m]
	if !ok {
		id = w.Number(conn.InsertMetric, m)
		w.metrics[m] = id
	}
	return id
}

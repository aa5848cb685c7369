package sqlite

import (
	"database/sql"
	"errors"

	"heapstash/archive/sqlite/conn"
	"heapstash/schema"
)

// entityID returns the id of the entity, and inserts the entity if it is new.
func (w *writer) entityID(e schema.Entity, firstSeen schema.Instant) (int64, error) {
	key := entityKey{w.cluster, e}
	if id, ok := w.Store.entities[key]; ok {
		return id, nil
	}
	if id, ok := w.entities[key]; ok {
		return id, nil
	}
	var id int64
	name := []any{e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels, w.cluster}
	err := w.One(conn.SelectEntityID, &id, name...)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.One(conn.InsertEntity, &id, append(name, firstSeen)...)
	}
	if err != nil {
		return 0, err
	}
	w.entities[key] = id
	return id, nil
}

// metricID returns the id of the metric, and inserts the metric if it is new. The metrics
// of the registry exist from the start.
func (w *writer) metricID(m schema.MetricName) (int64, error) {
	if id, ok := w.Store.metrics[m]; ok {
		return id, nil
	}
	if id, ok := w.metrics[m]; ok {
		return id, nil
	}
	var id int64
	if err := w.One(conn.InsertMetric, &id, m); err != nil {
		return 0, err
	}
	w.metrics[m] = id
	return id, nil
}

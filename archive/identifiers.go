package archive

import (
	"database/sql"
	"errors"

	"heapstash/schema"
)

const (
	selectEntityID = `SELECT id FROM entity WHERE kind = ? AND namespace = ? AND pod = ? AND container = ?
		AND node = ? AND labels = ? AND cluster = ?`
	insertEntity = `INSERT INTO entity (kind, namespace, pod, container, node, labels, cluster, first_seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
	insertMetric = `INSERT INTO metric (name) VALUES (?) RETURNING id`
)

// entityID returns the entity's id, and makes one for an entity first seen.
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
	err := w.one(selectEntityID, &id, name...)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.one(insertEntity, &id, append(name, firstSeen)...)
	}
	if err != nil {
		return 0, err
	}
	w.entities[key] = id
	return id, nil
}

// metricID returns the metric's id, and makes one for a metric first seen.
// Those of the registry are there from the start.
func (w *writer) metricID(m schema.MetricName) (int64, error) {
	if id, ok := w.Store.metrics[m]; ok {
		return id, nil
	}
	if id, ok := w.metrics[m]; ok {
		return id, nil
	}
	var id int64
	if err := w.one(insertMetric, &id, m); err != nil {
		return 0, err
	}
	w.metrics[m] = id
	return id, nil
}

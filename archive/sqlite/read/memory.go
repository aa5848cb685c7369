package read

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

const (
	selectHorizon   = `SELECT horizon FROM cluster_state WHERE cluster = ?`
	selectPassStart = `SELECT started FROM pass WHERE cluster = ?1 AND (horizon = ?2 OR horizon IS NULL AND outcome = 'abandoned')
		AND id > (SELECT max(id) FROM pass) - 1000 ORDER BY id DESC LIMIT 1`
	selectFailure    = `SELECT ifnull(error, '') FROM pass WHERE cluster = ? AND outcome <> 'running' ORDER BY id DESC LIMIT 1`
	selectWatermarks = `SELECT kind, name, part, ts FROM watermark WHERE cluster = ?`
	selectAsked      = `SELECT a.kind, a.name, a.part, m.name FROM asked a JOIN metric m ON m.id = a.metric_id WHERE a.cluster = ?`
	selectRecent     = `SELECT id, kind, namespace, pod, container, node, labels, ifnull(last_seen, 0)
		FROM entity WHERE cluster = ?1 AND (last_seen IS NULL OR last_seen >= ?2)`
	selectCarried = `SELECT c.entity_id, m.name FROM carried c JOIN metric m ON m.id = c.metric_id
		WHERE c.entity_id IN (SELECT id FROM entity WHERE cluster = ?1 AND (last_seen IS NULL OR last_seen >= ?2))`
	selectIdentities = `SELECT i.entity_id, i.uid, i.node, i.labels, i.images, i.owner_kind, i.owner, i.valid_from FROM pod_identity i
		WHERE i.valid_to IS NULL AND i.entity_id IN (SELECT id FROM entity WHERE cluster = ?1 AND (last_seen IS NULL OR last_seen >= ?2))`
	selectLabels       = `SELECT namespace, labels FROM namespace_label WHERE cluster = ? AND valid_to IS NULL`
	selectNamespaceIDs = `SELECT id, namespace FROM namespace_id WHERE cluster = ?`
)

// Memory returns the archive's memory of the cluster. It is empty for an unknown cluster.
// Met is called with the id of each remembered entity.
func Memory(ctx context.Context, db conn.Queryer, cluster string, met func(id int64, e schema.Entity)) (archive.Memory, error) {
	m := archive.Memory{
		Watermarks: make(map[schema.Scope]schema.Instant),
		Asked:      make(map[schema.Scope]map[schema.MetricName]bool),
		Entities:   make(map[schema.Entity]schema.Instant),
		Carried:    make(map[schema.Entity][]schema.MetricName),
		Identities: make(map[schema.Entity]schema.Identity),
	}
	var labelsErr, idsErr error
	m.NamespaceLabels, labelsErr = conn.Map[string, string](ctx, db, selectLabels, cluster)
	m.NamespaceIDs, idsErr = conn.Map[string, string](ctx, db, selectNamespaceIDs, cluster)
	err := errors.Join(labelsErr, idsErr,
		scanOptional(ctx, db, &m.Horizon, selectHorizon, cluster),
		scanOptional(ctx, db, &m.Failure, selectFailure, cluster),
		conn.Each(ctx, db, func(rows *sql.Rows) error {
			var scope schema.Scope
			var ts schema.Instant
			err := rows.Scan(tables.ScanKind{Kind: &scope.Kind}, &scope.Name, &scope.Part, &ts)
			m.Watermarks[scope] = ts
			return err
		}, selectWatermarks, cluster),
		conn.Each(ctx, db, func(rows *sql.Rows) error {
			var scope schema.Scope
			var metric schema.MetricName
			if err := rows.Scan(tables.ScanKind{Kind: &scope.Kind}, &scope.Name, &scope.Part, &metric); err != nil {
				return err
			}
			if m.Asked[scope] == nil {
				m.Asked[scope] = make(map[schema.MetricName]bool)
			}
			m.Asked[scope][metric] = true
			return nil
		}, selectAsked, cluster),
	)
	if err != nil {
		return archive.Memory{}, err
	}
	if m.Horizon > 0 {
		var passed int64
		if err := scanOptional(ctx, db, &passed, selectPassStart, cluster, m.Horizon); err != nil {
			return archive.Memory{}, err
		}
		if passed > 0 {
			m.Passed = time.Unix(passed, 0).UTC()
		}
	}
	if err := recentEntities(ctx, db, cluster, &m, met); err != nil {
		return archive.Memory{}, err
	}
	return m, nil
}

// scanOptional scans the row of a query. It leaves dest as it is if there is no row.
func scanOptional(ctx context.Context, db conn.Queryer, dest any, query string, args ...any) error {
	err := db.QueryRowContext(ctx, query, args...).Scan(dest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

func recentEntities(ctx context.Context, db conn.Queryer, cluster string, m *archive.Memory, met func(int64, schema.Entity)) error {
	since := m.Horizon.Add(-archive.Recently)
	byID := make(map[int64]schema.Entity)
	err := conn.Each(ctx, db, func(rows *sql.Rows) error {
		var id int64
		var e schema.Entity
		var lastSeen schema.Instant
		err := rows.Scan(&id, tables.ScanKind{Kind: &e.Kind}, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels, &lastSeen)
		byID[id] = e
		m.Entities[e] = lastSeen
		met(id, e)
		return err
	}, selectRecent, cluster, since)
	if err != nil {
		return err
	}
	err = conn.Each(ctx, db, func(rows *sql.Rows) error {
		var id int64
		var metric schema.MetricName
		err := rows.Scan(&id, &metric)
		m.Carried[byID[id]] = append(m.Carried[byID[id]], metric)
		return err
	}, selectCarried, cluster, since)
	if err != nil {
		return err
	}
	return conn.Each(ctx, db, func(rows *sql.Rows) error {
		var id int64
		var identity schema.Identity
		err := rows.Scan(&id, &identity.UID, &identity.Node, &identity.Labels, &identity.Images,
			&identity.Owner.Kind, &identity.Owner.Name, &identity.Since)
		identity.Pod = byID[id]
		m.Identities[identity.Pod] = identity
		return err
	}, selectIdentities, cluster, since)
}

package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/transfer"
	"heapstash/schema"
)

// ?3 is whether the archive's own horizon is later: then it only takes an earlier begin.
const (
	upsertLifetime = `UPDATE entity SET first_seen = min(first_seen, ?2),
		last_seen = CASE WHEN ?3 THEN last_seen ELSE nullif(?4, 0) END WHERE id = ?1`
	upsertHistory = `INSERT INTO pod_identity (entity_id, uid, node, labels, images, owner_kind, owner, valid_from, valid_to)
		VALUES (?1, ?2, ?5, ?6, ?7, ?8, ?9, ?10,
			coalesce(nullif(?4, 0), (SELECT min(valid_from) - 1 FROM pod_identity WHERE entity_id = ?1 AND uid <> ?2 AND valid_from > ?10)))
		ON CONFLICT (entity_id, uid) DO UPDATE SET valid_from = min(valid_from, excluded.valid_from),
			node = CASE WHEN ?3 THEN node ELSE excluded.node END, labels = CASE WHEN ?3 THEN labels ELSE excluded.labels END,
			images = CASE WHEN ?3 THEN images ELSE excluded.images END, owner_kind = CASE WHEN ?3 THEN owner_kind ELSE excluded.owner_kind END,
			owner = CASE WHEN ?3 THEN owner ELSE excluded.owner END, valid_to = CASE WHEN ?3 THEN valid_to ELSE excluded.valid_to END`
	upsertPastLabels = `INSERT INTO namespace_label (cluster, namespace, labels, valid_from, valid_to)
		VALUES (?1, ?2, ?5, ?6, coalesce(nullif(?4, 0), (SELECT min(valid_from) - 1 FROM namespace_label WHERE cluster = ?1 AND namespace = ?2 AND valid_from > ?6)))
		ON CONFLICT (cluster, namespace, valid_from) DO UPDATE SET labels = CASE WHEN ?3 THEN labels ELSE excluded.labels END,
			valid_to = CASE WHEN ?3 THEN valid_to ELSE excluded.valid_to END`
	selectRecorded = `SELECT started, ifnull(duration_ms, 0), outcome, ifnull(horizon, 0), ifnull(bytes, 0) FROM pass WHERE cluster = ? AND started BETWEEN ? AND ?`
	insertEnded    = `INSERT INTO pass (id, cluster, version, started, finished, duration_ms, outcome, error, requests, bytes, entities,
		samples_new, samples_duplicate, conflicts, newest, horizon, gap_seconds)
		VALUES ((SELECT nullif(?1, id) FROM (SELECT max(id) AS id FROM pass WHERE id = ?1)), ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''), ?9, ?10, ?11,
			?12, ?13, ?14, nullif(?15, 0), nullif(?16, 0), ?17) RETURNING id`
)

// Record implements [transfer.Target].
func (s *Store) Record(ctx context.Context, r transfer.Record) error {
	if err := s.CheckLock(); err != nil {
		return err
	}
	var w *writer
	err := conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		w = newWriter(ctx, s, tx, archive.Batch{Cluster: r.Cluster})
		return w.record(r)
	})
	if err != nil {
		return conn.WithRemedy(s.Path, err)
	}
	for key, id := range w.entities {
		s.entities[key] = id
	}
	for name, id := range w.metrics {
		s.metrics[name] = id
	}
	return s.CheckPath()
}

func (w *writer) record(r transfer.Record) error {
	later := schema.Instant(w.Number(`SELECT ifnull(max(horizon), 0) FROM cluster_state WHERE cluster = ?`, r.Cluster)) > r.Horizon
	for _, l := range r.Entities {
		w.Exec(upsertLifetime, w.entityID(l.Entity, l.First), l.First, later, l.Last)
	}
	for _, i := range r.Identities {
		w.Exec(upsertHistory, w.entityID(i.Pod, i.Since), i.UID, later, i.To, i.Node, i.Labels, i.Images, i.Owner.Kind, i.Owner.Name, i.Since)
	}
	for _, l := range r.Labels {
		w.Exec(upsertPastLabels, r.Cluster, l.Namespace, later, l.To, l.Labels, l.From)
	}
	w.recordPasses(r)
	return w.Err()
}

// recordPasses adds the passes that the ledger does not have. A pass keeps its id if that
// is free.
func (w *writer) recordPasses(r transfer.Record) {
	if len(r.Passes) == 0 {
		return
	}
	known := make(map[string]bool)
	key := func(started, milliseconds int64, outcome archive.Outcome, horizon schema.Instant, bytes int64) string {
		return fmt.Sprint(started, milliseconds, outcome, horizon, bytes)
	}
	first, last := r.Passes[0].Started, r.Passes[0].Started
	for _, p := range r.Passes {
		if p.Started.Before(first) {
			first = p.Started
		}
		if p.Started.After(last) {
			last = p.Started
		}
	}
	err := conn.Each(w.Ctx, w.Tx, func(rows *sql.Rows) error {
		var started, milliseconds, bytes int64
		var outcome archive.Outcome
		var horizon schema.Instant
		err := rows.Scan(&started, &milliseconds, &outcome, &horizon, &bytes)
		known[key(started, milliseconds, outcome, horizon, bytes)] = true
		return err
	}, selectRecorded, r.Cluster, first.Unix(), last.Unix())
	w.Fail(err)
	stored := 0
	for _, p := range r.Passes {
		var milliseconds int64
		ended := make([]any, 6) // finished, duration, requests, bytes, entities and gap: NULL for a pass that died
		if !p.Finished.IsZero() {
			milliseconds = p.Finished.Sub(p.Started).Milliseconds()
			ended = []any{p.Finished.Unix(), milliseconds, p.Requests, p.Bytes, p.Entities, int64(p.Gap.Seconds())}
		}
		if known[key(p.Started.Unix(), milliseconds, p.Outcome, p.Horizon, p.Bytes)] {
			continue
		}
		id := archive.PassID(w.Number(insertEnded, p.ID, r.Cluster, p.Version, p.Started.Unix(), ended[0], ended[1], p.Outcome, p.Error,
			ended[2], ended[3], ended[4], p.New, p.Duplicates, p.Pass.Conflicts, p.Newest, p.Horizon, ended[5]))
		recordHoles(w.Prepared, id, r.Cluster, p.Holes)
		w.recordConflicts(id, p.Conflicts)
		stored += p.New
	}
	// The passes of the copies stored the samples here: see [conn.AddDeleted].
	w.Exec(conn.BeginDeleted)
	w.Exec(conn.AddDeleted, stored)
}

// recordConflicts adds the conflicts of a pass.
func (w *writer) recordConflicts(pass archive.PassID, conflicts []archive.Conflict) {
	for _, c := range conflicts {
		w.Exec(insertConflict, w.entityID(c.Entity, c.At), w.metricID(c.Metric), c.At, tables.BindValue(c.Kept), tables.BindValue(c.Refused), pass)
	}
}

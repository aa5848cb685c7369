package read

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/transfer"
	"heapstash/schema"
)

var _ transfer.Source = (*Samples)(nil)

// Clusters implements [transfer.Source].
func (s *Samples) Clusters(ctx context.Context) ([]string, error) {
	names, err := conn.Column[string](ctx, s.tx.Tx, `SELECT cluster FROM entity UNION SELECT cluster FROM pass UNION SELECT cluster FROM cluster_state ORDER BY 1`)
	return names, conn.WithRemedy(s.path, err)
}

// Memory implements [transfer.Source].
func (s *Samples) Memory(ctx context.Context, cluster string) (archive.Memory, error) {
	m, err := Memory(ctx, s.tx.Tx, cluster, func(int64, schema.Entity) {})
	return m, conn.WithRemedy(s.path, err)
}

// allSpan is [timeSpan] for all entities. narrowSpan reads the whole table: few samples
// have no column.
const (
	allSpan = `SELECT ifnull(min(first), 0), ifnull(max(last), 0) FROM (
		SELECT (SELECT min(ts) FROM NAME_cold WHERE entity_id = e.id) AS first,
			(SELECT max(ts) FROM NAME_cold WHERE entity_id = e.id) AS last FROM entity e
		UNION ALL SELECT min(ts), max(ts) FROM NAME_hot)`
	narrowSpan = `SELECT ifnull(min(ts), 0), ifnull(max(ts), 0) FROM (SELECT ts FROM NAME_cold UNION ALL SELECT ts FROM NAME_hot)`
)

// Span implements [transfer.Source].
func (s *Samples) Span(ctx context.Context) (span schema.Window, err error) {
	queries := []string{strings.ReplaceAll(narrowSpan, "NAME", tables.NarrowName)}
	for _, t := range s.layout.Tables {
		queries = append(queries, strings.ReplaceAll(allSpan, "NAME", t.Name))
	}
	for _, query := range queries {
		var w schema.Window
		if err := s.tx.Tx.QueryRowContext(ctx, query).Scan(&w.From, &w.To); err != nil {
			return span, conn.WithRemedy(s.path, err)
		}
		if w.From > 0 && (span.From == 0 || w.From < span.From) {
			span.From = w.From
		}
		span.To = max(span.To, w.To)
	}
	return span, nil
}

const (
	selectLifetimes = `SELECT kind, namespace, pod, container, node, labels, first_seen, ifnull(last_seen, 0) FROM entity WHERE cluster = ? ORDER BY id`
	selectHistory   = `SELECT e.namespace, e.pod, i.uid, i.node, i.labels, i.images, i.owner_kind, i.owner, i.valid_from, ifnull(i.valid_to, 0)
		FROM entity e JOIN pod_identity i ON i.entity_id = e.id WHERE e.cluster = ? AND e.kind = 'pod' ORDER BY e.id, i.valid_from`
	selectAllLabels = `SELECT namespace, labels, valid_from, ifnull(valid_to, 0) FROM namespace_label WHERE cluster = ? ORDER BY namespace, valid_from`
	selectEnded     = `SELECT id, version, started, ifnull(finished, 0), ifnull(duration_ms, 0), outcome, ifnull(error, ''), ifnull(requests, 0), ifnull(bytes, 0),
		ifnull(entities, 0), ifnull(samples_new, 0), ifnull(samples_duplicate, 0), ifnull(conflicts, 0), ifnull(newest, 0), ifnull(horizon, 0), ifnull(gap_seconds, 0)
		FROM pass WHERE cluster = ? AND outcome <> 'running' ORDER BY id`
	selectPassHoles = `SELECT kind, namespace, pod, container, node, labels, metric, cause, detail, ifnull(from_ts, 0), ifnull(to_ts, 0), lasting
		FROM hole WHERE pass_id = ? ORDER BY id`
	selectPassConflicts = `SELECT e.kind, e.namespace, e.pod, e.container, e.node, e.labels, m.name, c.ts, c.kept, c.refused
		FROM conflict c JOIN entity e ON e.id = c.entity_id JOIN metric m ON m.id = c.metric_id WHERE c.pass_id = ?`
)

// Records implements [transfer.Source].
func (s *Samples) Records(ctx context.Context, cluster string) iter.Seq2[transfer.Record, error] {
	return transfer.Records(cluster, func(r *transfer.Recorder) error {
		if err := s.names(ctx, cluster, r); err != nil {
			return err
		}
		return s.passes(ctx, cluster, r)
	}, func(err error) error { return conn.WithRemedy(s.path, err) })
}

// names reads entities, identities and labels.
func (s *Samples) names(ctx context.Context, cluster string, r *transfer.Recorder) error {
	err := conn.Each(ctx, s.tx.Tx, func(rows *sql.Rows) error {
		var l transfer.Lifetime
		err := rows.Scan(append(entityTargets(&l.Entity), &l.First, &l.Last)...)
		r.Record.Entities = append(r.Record.Entities, l)
		return errors.Join(err, r.Added(1))
	}, selectLifetimes, cluster)
	if err != nil {
		return err
	}
	err = conn.Each(ctx, s.tx.Tx, func(rows *sql.Rows) error {
		var i transfer.Identity
		err := rows.Scan(&i.Pod.Namespace, &i.Pod.Pod, &i.UID, &i.Node, &i.Labels, &i.Images, &i.Owner.Kind, &i.Owner.Name, &i.Since, &i.To)
		i.Pod.Kind = schema.Pod
		r.Record.Identities = append(r.Record.Identities, i)
		return errors.Join(err, r.Added(1))
	}, selectHistory, cluster)
	if err != nil {
		return err
	}
	return conn.Each(ctx, s.tx.Tx, func(rows *sql.Rows) error {
		var l transfer.Labels
		err := rows.Scan(&l.Namespace, &l.Labels, &l.From, &l.To)
		r.Record.Labels = append(r.Record.Labels, l)
		return errors.Join(err, r.Added(1))
	}, selectAllLabels, cluster)
}

// passes reads the ended passes, with their holes and conflicts.
func (s *Samples) passes(ctx context.Context, cluster string, r *transfer.Recorder) error {
	conflicting, err := conn.Column[archive.PassID](ctx, s.tx.Tx, `SELECT DISTINCT pass_id FROM conflict`)
	if err != nil {
		return err
	}
	has := make(map[archive.PassID]bool, len(conflicting))
	for _, id := range conflicting {
		has[id] = true
	}
	return conn.Each(ctx, s.tx.Tx, func(rows *sql.Rows) error {
		var p transfer.Pass
		var started, finished, milliseconds, gap int64
		err := rows.Scan(&p.ID, &p.Version, &started, &finished, &milliseconds, &p.Outcome, &p.Error, &p.Requests, &p.Bytes,
			&p.Entities, &p.New, &p.Duplicates, &p.Pass.Conflicts, &p.Newest, &p.Horizon, &gap)
		if err != nil {
			return err
		}
		p.Cluster, p.Gap = cluster, time.Duration(gap)*time.Second
		p.Started = time.Unix(started, 0).UTC()
		if finished > 0 { // the ledger has whole seconds, and the length in milliseconds
			took := time.Duration(milliseconds) * time.Millisecond
			p.Started = p.Started.Add(max(time.Unix(finished, 0).Sub(p.Started)-took, 0))
			p.Finished = p.Started.Add(took)
		}
		if p.Holes, err = s.holesOf(p.ID); err != nil {
			return err
		}
		if has[p.ID] {
			if p.Conflicts, err = s.conflictsOf(p.ID); err != nil {
				return err
			}
		}
		r.Record.Passes = append(r.Record.Passes, p)
		return r.Added(1 + len(p.Holes) + len(p.Conflicts))
	}, selectEnded, cluster)
}

// holesOf reads the holes of a pass.
func (s *Samples) holesOf(pass archive.PassID) (all []archive.Hole, err error) {
	err = s.each(selectPassHoles, pass, func(rows *sql.Rows) error {
		var h archive.Hole
		targets := entityTargets(&h.Entity)
		var kind string // empty for the whole pass
		targets[0] = &kind
		err := rows.Scan(append(targets, &h.Metric, &h.Cause, &h.Detail, &h.Window.From, &h.Window.To, &h.Lasting)...)
		if err == nil && kind != "" {
			h.Entity.Kind, err = schema.ParseKind(kind)
		}
		all = append(all, h)
		return err
	})
	return all, err
}

// conflictsOf reads the conflicts of a pass.
func (s *Samples) conflictsOf(pass archive.PassID) (all []archive.Conflict, err error) {
	err = s.each(selectPassConflicts, pass, func(rows *sql.Rows) error {
		var c archive.Conflict
		var kept, refused tables.NullValue
		err := rows.Scan(append(entityTargets(&c.Entity), &c.Metric, &c.At, &kept, &refused)...)
		c.Kept, c.Refused = kept.Value, refused.Value
		all = append(all, c)
		return err
	})
	return all, err
}

// each runs a prepared query with one parameter.
func (s *Samples) each(query string, arg any, visit func(*sql.Rows) error) error {
	stmt, err := s.tx.Statement(query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(s.tx.Ctx, arg)
	if err != nil {
		return err
	}
	for rows.Next() && err == nil {
		err = visit(rows)
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

// entityTargets returns the targets of an entity's names.
func entityTargets(e *schema.Entity) []any {
	return []any{tables.ScanKind{Kind: &e.Kind}, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels}
}

package read

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
)

// statusPasses is the number of passes in a status.
const statusPasses = 5

const (
	selectKinds = `SELECT cluster, kind, count(*), sum(last_seen IS NULL) FROM entity
		WHERE labels = '' GROUP BY cluster, kind`
	selectPasses = `SELECT id, cluster, started, ifnull(duration_ms, 0), outcome, ifnull(error, ''),
		ifnull(samples_new, 0), ifnull(conflicts, 0), ifnull(gap_seconds, 0) FROM pass ORDER BY id DESC LIMIT ?`
	selectCauses = `SELECT h.cause, h.lasting, count(*), ifnull(sum(h.to_ts - h.from_ts + 1), 0), max(p.started)
		FROM hole h JOIN pass p ON p.id = h.pass_id GROUP BY h.cause, h.lasting ORDER BY count(*) DESC`
)

// timeSpan finds each entity's first and last cold rows by key: SQLite does not read
// the whole cold table. NAME stands for the table.
const timeSpan = `SELECT ifnull(min(first), 0), ifnull(max(last), 0) FROM (
	SELECT (SELECT min(ts) FROM NAME_cold WHERE entity_id = e.id) AS first,
		(SELECT max(ts) FROM NAME_cold WHERE entity_id = e.id) AS last
	FROM entity e WHERE e.cluster = ?1 AND e.kind = ?2
	UNION ALL
	SELECT min(s.ts), max(s.ts) FROM NAME_hot s JOIN entity e ON e.id = s.entity_id WHERE e.cluster = ?1)`

// rolledSpan is timeSpan for a rollup, which has one table.
const rolledSpan = `SELECT ifnull(min(first), 0), ifnull(max(last), 0) FROM (
	SELECT (SELECT min(ts) FROM NAME WHERE entity_id = e.id) AS first,
		(SELECT max(ts) FROM NAME WHERE entity_id = e.id) AS last
	FROM entity e WHERE e.cluster = ?1 AND e.kind = ?2)`

// Status implements [archive.Teller].
func Status(ctx context.Context, r *conn.Reader) (archive.Status, error) {
	s := archive.Status{Free: -1, Path: r.Path, Kinds: []archive.KindStatus{}, Passes: []archive.PassStatus{}, Causes: []archive.CauseStatus{}}
	err := errors.Join(
		r.Db.QueryRowContext(ctx, conn.SelectVersion).Scan(&s.Version),
		kinds(ctx, r, &s),
		ledger(ctx, r, &s),
		r.Db.QueryRowContext(ctx, conn.SelectUsedBytes).Scan(&s.Used),
	)
	if err != nil {
		return archive.Status{}, conn.Explain(r.Path, err)
	}
	size, err := dbfile.SizeOf(r.Path)
	if err != nil {
		return archive.Status{}, conn.Explain(r.Path, err)
	}
	s.Bytes = size
	if free, err := dbfile.FreeSpace(dbfile.RealFile(r.Path)); err == nil {
		s.Free = free
	}
	return s, nil
}

// kinds fills in s.Kinds.
func kinds(ctx context.Context, r *conn.Reader, s *archive.Status) error {
	err := conn.Each(ctx, r.Db, func(rows *sql.Rows) error {
		var k archive.KindStatus
		err := rows.Scan(&k.Cluster, tables.ScanKind{Kind: &k.Kind}, &k.Entities, &k.Listed)
		s.Kinds = append(s.Kinds, k)
		return err
	}, selectKinds)
	if err != nil {
		return err
	}
	for i, k := range s.Kinds {
		query := strings.ReplaceAll(timeSpan, "NAME", k.Kind.String())
		err := r.Db.QueryRowContext(ctx, query, k.Cluster, k.Kind.String()).Scan(&s.Kinds[i].Oldest, &s.Kinds[i].Newest)
		if err != nil {
			return err
		}
		for level, to := range map[archive.Level]**archive.Range{archive.Hourly: &s.Kinds[i].Hourly, archive.Daily: &s.Kinds[i].Daily} {
			var span archive.Range
			query := strings.ReplaceAll(rolledSpan, "NAME", tables.ClosedRows(k.Kind.String(), level))
			if err := r.Db.QueryRowContext(ctx, query, k.Cluster, k.Kind.String()).Scan(&span.Oldest, &span.Newest); err != nil {
				return err
			}
			if span.Oldest != 0 {
				*to = &span
			}
		}
	}
	return nil
}

// ledger fills in s.Passes and s.Causes.
func ledger(ctx context.Context, r *conn.Reader, s *archive.Status) error {
	err := conn.Each(ctx, r.Db, func(rows *sql.Rows) error {
		var p archive.PassStatus
		err := rows.Scan(&p.ID, &p.Cluster, &p.Started, &p.DurationMS, &p.Outcome, &p.Error,
			&p.New, &p.Conflicts, &p.GapSeconds)
		s.Passes = append(s.Passes, p)
		return err
	}, selectPasses, statusPasses)
	if err != nil {
		return err
	}
	return conn.Each(ctx, r.Db, func(rows *sql.Rows) error {
		var c archive.CauseStatus
		err := rows.Scan(&c.Cause, &c.Lasting, &c.Holes, &c.Seconds, &c.Last)
		s.Causes = append(s.Causes, c)
		return err
	}, selectCauses)
}

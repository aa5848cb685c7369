// Package read tells what an archive has: its state, holes, sizes, views and samples.
package read

import (
	"context"
	"database/sql"
	"errors"

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
	selectPasses = `SELECT ` + passColumns + ` FROM pass ORDER BY id DESC LIMIT ?`
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

// Status implements [archive.Teller]. It reads one state of the archive.
func Status(ctx context.Context, r *conn.Reader) (archive.Status, error) {
	s := archive.Status{Free: -1, Path: r.Path, Kinds: []archive.KindStatus{}, Passes: []archive.PassStatus{}, Causes: []archive.CauseStatus{}}
	err := r.InTransaction(ctx, func(tx *sql.Tx) error {
		return errors.Join(
			tx.QueryRowContext(ctx, conn.SelectVersion).Scan(&s.Version),
			kinds(ctx, tx, &s),
			ledger(ctx, tx, &s),
			tx.QueryRowContext(ctx, conn.SelectUsedBytes).Scan(&s.Used),
			inLake(ctx, tx, &s),
		)
	})
	if err != nil {
		return archive.Status{}, err
	}
	if s.Bytes, err = dbfile.SizeOf(r.Path); err != nil {
		return archive.Status{}, conn.WithRemedy(r.Path, err)
	}
	if free, err := dbfile.FreeSpace(dbfile.RealFile(r.Path)); err == nil {
		s.Free = free
	}
	return s, nil
}

// kinds fills in s.Kinds.
func kinds(ctx context.Context, tx *sql.Tx, s *archive.Status) error {
	list, err := conn.List(ctx, tx, func(k *archive.KindStatus) []any {
		return []any{&k.Cluster, tables.ScanKind{Kind: &k.Kind}, &k.Entities, &k.Listed}
	}, selectKinds)
	s.Kinds = append(s.Kinds, list...)
	if err != nil {
		return err
	}
	for i := range s.Kinds {
		k := &s.Kinds[i]
		span := func(query, table string) (r archive.Range, err error) {
			err = tx.QueryRowContext(ctx, tables.Fill(query, "NAME", table), k.Cluster, k.Kind.String()).Scan(&r.Oldest, &r.Newest)
			return r, err
		}
		raw, err := span(timeSpan, k.Kind.String())
		if err != nil {
			return err
		}
		k.Oldest, k.Newest = raw.Oldest, raw.Newest
		for level, to := range map[archive.Level]**archive.Range{archive.Hourly: &k.Hourly, archive.Daily: &k.Daily} {
			rolled, err := span(rolledSpan, tables.ClosedRows(k.Kind.String(), level))
			if err != nil {
				return err
			}
			if rolled.Oldest != 0 {
				*to = &rolled
			}
		}
	}
	return nil
}

// passColumns are the columns of pass for passTargets.
const passColumns = `id, cluster, started, ifnull(duration_ms, 0), outcome, ifnull(error, ''),
	ifnull(samples_new, 0), ifnull(conflicts, 0), ifnull(gap_seconds, 0)`

func passTargets(p *archive.PassStatus) []any {
	return []any{&p.ID, &p.Cluster, &p.Started, &p.DurationMS, &p.Outcome, &p.Error, &p.New, &p.Conflicts, &p.GapSeconds}
}

// ledger fills in s.Passes and s.Causes.
func ledger(ctx context.Context, tx *sql.Tx, s *archive.Status) error {
	passes, err := conn.List(ctx, tx, passTargets, selectPasses, statusPasses)
	if err != nil {
		return err
	}
	causes, err := conn.List(ctx, tx, func(c *archive.CauseStatus) []any {
		return []any{&c.Cause, &c.Lasting, &c.Holes, &c.Seconds, &c.Last}
	}, selectCauses)
	s.Passes, s.Causes = append(s.Passes, passes...), append(s.Causes, causes...)
	return err
}

// inLake fills in s.InLake.
func inLake(ctx context.Context, tx *sql.Tx, s *archive.Status) (err error) {
	s.InLake, err = conn.InLake(ctx, tx)
	return err
}

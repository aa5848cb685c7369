package answer

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// usualResolution is Heapster's resolution where the archive has one batch only.
const usualResolution = time.Minute

const (
	compacted = `SELECT ifnull(max(ts), 0) FROM compaction WHERE table_name = ?`
	firstDue  = `SELECT ifnull(min(ts), 0) FROM rollup_due WHERE level = ? AND table_name = ?`
	ofMetric  = ` AND s.metric_id = (SELECT id FROM metric WHERE name = ?)`
)

// coverage reads the coverage of the query of the plan.
func (p plan) coverage(ctx context.Context, tx *sql.Tx) (query.Coverage, error) {
	c := query.Coverage{Levels: make(map[archive.Level]query.Span)}
	hourly, daily, err := rolledUntil(ctx, tx, p.table())
	if err != nil {
		return c, err
	}
	levels := []archive.Level{archive.Raw}
	if hourly > 0 {
		levels = archive.Levels()
	}
	oldest := make([]schema.Instant, len(archive.Levels()))
	into := []any{&c.Entities}
	// The entities' oldest rows are found by key, one entity after the other.
	b := new(builder)
	b.add("SELECT count(*)")
	for i, level := range levels {
		b.add(", ifnull(min((")
		p.ofEntity(b, "min(ts)", level)
		b.add(")), 0)")
		into = append(into, &oldest[i])
	}
	p.ofEntities(b)
	if err := scan(ctx, tx, b.statement(), into...); err != nil {
		return c, err
	}

	var hot, newest, before schema.Instant
	ofHot := func(column, where string, into *schema.Instant, args ...any) error {
		return scan(ctx, tx, statement{"SELECT ifnull(" + column + "(ts), 0) FROM " + p.table() + "_hot" + where, args}, into)
	}
	err = errors.Join(ofHot("min", "", &hot), ofHot("max", "", &newest))
	if err == nil && newest == 0 {
		b := new(builder)
		b.add("SELECT ifnull(max((")
		p.ofEntity(b, "max(ts)", archive.Raw)
		b.add(")), 0)")
		p.ofEntities(b)
		err = scan(ctx, tx, b.statement(), &newest)
	}
	if err == nil {
		err = ofHot("max", " WHERE ts < ?", &before, int64(newest))
	}
	if err != nil {
		return c, err
	}
	resolution := newest.Sub(before)
	if before == 0 || resolution > time.Hour {
		resolution = usualResolution
	}
	if newest > 0 {
		newest = newest.Add(resolution)
	}
	c.Levels[archive.Raw] = query.Span{From: cmp.Or(oldest[0], hot), To: newest}
	if c.Lake, err = p.inLake(ctx, tx); err != nil {
		return c, err
	}
	if raw := c.Levels[archive.Raw]; raw.From != 0 && raw.From < c.Lake.To {
		// Rows before that are late, or will be deleted soon.
		c.Levels[archive.Raw] = query.Span{From: c.Lake.To, To: max(raw.To, c.Lake.To)}
	}
	c.Levels[archive.Hourly] = query.Span{From: oldest[1], To: hourly}
	c.Levels[archive.Daily] = query.Span{From: oldest[2], To: daily}
	return c, nil
}

// inLake returns the time whose raw rows are in the lake.
func (p plan) inLake(ctx context.Context, tx *sql.Tx) (span query.Span, err error) {
	all, err := conn.InLake(ctx, tx)
	for _, s := range all {
		if s.Table != p.table() || s.Kind != p.Kind || len(p.Clusters) > 0 && !schema.MatchesAny(p.Clusters, s.Cluster) {
			continue
		}
		if span.From == 0 || s.From < span.From {
			span.From = s.From
		}
		span.To = max(span.To, s.Until)
	}
	return span, err
}

// ofEntity adds the SELECT of a column of the entity e's closed rows at a level.
func (p plan) ofEntity(b *builder, column string, level archive.Level) {
	b.add("SELECT " + column + " FROM " + tables.ClosedRows(p.table(), level) + " s WHERE s.entity_id = e.id")
	if !p.InRegistry() {
		b.add(ofMetric, string(p.Metric.Name))
	}
}

// ofEntities adds a FROM of the query's entities.
func (p plan) ofEntities(b *builder) {
	b.add(" FROM entity e")
	b.where(p.entities())
}

// scan scans the statement's one row.
func scan(ctx context.Context, tx *sql.Tx, s statement, into ...any) error {
	return tx.QueryRowContext(ctx, s.text, s.args...).Scan(into...)
}

// rolledUntil returns up to when the hourly and the daily rollups of a table are
// complete. Hours that have not closed, and hours with late rows, are not.
func rolledUntil(ctx context.Context, tx *sql.Tx, table string) (hourly, daily schema.Instant, err error) {
	var moved, hour, day schema.Instant
	err = errors.Join(
		scan(ctx, tx, statement{compacted, []any{table}}, &moved),
		scan(ctx, tx, statement{firstDue, []any{archive.Hourly, table}}, &hour),
		scan(ctx, tx, statement{firstDue, []any{archive.Daily, table}}, &day),
	)
	if err != nil || moved == 0 {
		return 0, 0, err
	}
	hourly = archive.Hourly.Begin(moved + 1)
	if hour > 0 {
		hourly = min(hourly, hour)
	}
	daily = archive.Daily.Begin(hourly)
	if day > 0 {
		daily = min(daily, day)
	}
	return hourly, daily, nil
}

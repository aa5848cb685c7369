package read

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// usualResolution is that of a Heapster of which the archive has one batch.
const usualResolution = time.Minute

const (
	compacted = `SELECT ifnull(max(ts), 0) FROM compaction WHERE table_name = ?`
	firstDue  = `SELECT ifnull(min(ts), 0) FROM rollup_due WHERE level = ? AND table_name = ?`
	carriers  = `SELECT DISTINCT e.kind FROM carried c JOIN entity e ON e.id = c.entity_id WHERE c.metric_id = ?1
		UNION SELECT e.kind FROM narrow_hot h JOIN entity e ON e.id = h.entity_id WHERE h.metric_id = ?1
		UNION SELECT e.kind FROM entity e WHERE EXISTS (SELECT 1 FROM narrow_cold c WHERE c.entity_id = e.id AND c.metric_id = ?1)`
)

// oldestOf finds when the matching things' rows begin, by key, one thing after
// the other. TABLE, MATCH and METRIC stand for what they say.
const (
	oldestOf   = `SELECT count(*), OLDEST FROM entity e WHERE MATCH`
	oldestIn   = `ifnull(min((SELECT min(ts) FROM TABLE s WHERE s.entity_id = e.id METRIC)), 0)`
	hotNewest  = `SELECT ifnull(max(ts), 0) FROM TABLE_hot`
	hotBefore  = `SELECT ifnull(max(ts), 0) FROM TABLE_hot WHERE ts < ?`
	hotOldest  = `SELECT ifnull(min(ts), 0) FROM TABLE_hot`
	coldNewest = `SELECT ifnull(max((SELECT max(ts) FROM TABLE_cold s WHERE s.entity_id = e.id METRIC)), 0) FROM entity e WHERE MATCH`
)

// Coverage tells what the archive has for a query: of which things, and what of
// them at each level.
func Coverage(ctx context.Context, r *conn.Reader, q query.Query) (query.Coverage, error) {
	c, err := coverage(ctx, r, q)
	return c, dbfile.Explain(r.Path, err)
}

func coverage(ctx context.Context, r *conn.Reader, q query.Query) (query.Coverage, error) {
	c := query.Coverage{Levels: make(map[archive.Level]query.Span)}
	table, match := q.Table(), q.Things()
	metric := ""
	if table == tables.NarrowName {
		metric = "AND s.metric_id = (SELECT id FROM metric WHERE name = ?)"
	}
	fill := func(text, table string) string {
		return strings.NewReplacer("TABLE", table, "MATCH", match.Text, "METRIC", metric).Replace(text)
	}
	args := func(n int) (all []any) {
		for range n {
			if metric != "" {
				all = append(all, string(q.Metric.Name))
			}
		}
		return append(all, match.Args...)
	}
	one := func(query string, args []any, dest ...any) error {
		return r.Db.QueryRowContext(ctx, query, args...).Scan(dest...)
	}

	hourly, daily, err := rolled(ctx, r, table)
	if err != nil {
		return c, err
	}
	parts := []string{tables.ClosedRows(table, archive.Raw)}
	if hourly > 0 {
		parts = append(parts, tables.ClosedRows(table, archive.Hourly), tables.ClosedRows(table, archive.Daily))
	}
	oldest := make([]schema.Instant, 3)
	columns, dest := make([]string, len(parts)), []any{&c.Things}
	for i, name := range parts {
		columns[i] = fill(oldestIn, name)
		dest = append(dest, &oldest[i])
	}
	if err := one(strings.Replace(fill(oldestOf, table), "OLDEST", strings.Join(columns, ", "), 1), args(len(parts)), dest...); err != nil {
		return c, err
	}

	var hot, newest, before schema.Instant
	err = errors.Join(one(fill(hotOldest, table), nil, &hot), one(fill(hotNewest, table), nil, &newest))
	if err == nil && newest == 0 {
		err = one(fill(coldNewest, table), args(1), &newest)
	}
	if err == nil {
		err = one(fill(hotBefore, table), []any{newest}, &before)
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
	c.Levels[archive.Hourly] = query.Span{From: oldest[1], To: hourly}
	c.Levels[archive.Daily] = query.Span{From: oldest[2], To: daily}
	return c, nil
}

// rolled returns up to when the hourly and the daily rollups of a table are
// whole: hours that have not closed, and those that rows came late for, are not.
// Zero where there are none.
func rolled(ctx context.Context, r *conn.Reader, table string) (hourly, daily schema.Instant, err error) {
	one := func(dest any, query string, args ...any) error {
		return r.Db.QueryRowContext(ctx, query, args...).Scan(dest)
	}
	var moved, hour, day schema.Instant
	err = errors.Join(one(&moved, compacted, table), one(&hour, firstDue, archive.Hourly, table), one(&day, firstDue, archive.Daily, table))
	if err != nil || moved == 0 {
		return 0, 0, err
	}
	hourly = (moved + 1) - (moved+1)%3600
	if hour > 0 {
		hourly = min(hourly, hour)
	}
	daily = hourly - hourly%(24*3600)
	if day > 0 {
		daily = min(daily, day)
	}
	return hourly, daily, nil
}

// Carriers returns the kinds of which the archive has a metric without a column
// of its own, raw.
func Carriers(ctx context.Context, r *conn.Reader, m schema.MetricName) ([]schema.Kind, error) {
	var id int64
	err := r.Db.QueryRowContext(ctx, `SELECT id FROM metric WHERE name = ?`, m).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	var kinds []schema.Kind
	if err == nil {
		err = conn.Each(ctx, r.Db, func(rows *sql.Rows) error {
			var k schema.Kind
			err := rows.Scan(tables.ScanKind{Kind: &k})
			kinds = append(kinds, k)
			return err
		}, carriers, id)
	}
	return kinds, dbfile.Explain(r.Path, err)
}

// MetricNames returns the names of all metrics that the archive knows.
func MetricNames(ctx context.Context, r *conn.Reader) ([]string, error) {
	names, err := conn.Column[string](ctx, r.Db, `SELECT name FROM metric ORDER BY name`)
	return names, dbfile.Explain(r.Path, err)
}

package upkeep

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

const (
	selectDue = `SELECT ts, table_name, entity_id FROM rollup_due WHERE level = ? AND ts <= ?
		ORDER BY ts, table_name, entity_id LIMIT ?`
	countDue  = `SELECT count(*) FROM rollup_due WHERE level = ?`
	InsertDue = `INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) VALUES (?, ?, ?, ?)`
	deleteDue = `DELETE FROM rollup_due WHERE level = ? AND ts = ? AND table_name = ? AND entity_id = ?`
)

const (
	// rollEffort bounds the rollups of a pass, in rows read. If more than
	// rollPasses times as much is due, a pass does its share of that, so that an
	// hour is done long before the next one closes; but no more than mostEffort,
	// some seconds, because after a repair all hours are due.
	rollEffort = 25_000
	rollPasses = 15
	mostEffort = 1_000_000
	// dueEffort is what one due costs besides its rows, of which an hour has
	// dueRows.
	dueEffort = 40
	dueRows   = 60
	// dueSlice bounds a transaction.
	dueSlice = 1_000
)

// rollTurn is a pass's share of what is due.
func rollTurn(ctx context.Context, s *conn.Writer) (*Turn, error) {
	var due int64
	err := s.Db.QueryRowContext(ctx, countDue, archive.Hourly).Scan(&due)
	return &Turn{effort: min(max(rollEffort, due*(dueEffort+dueRows)/rollPasses), mostEffort)}, err
}

// due is one hour or day of one entity in one pair of tables.
type due struct {
	ts     schema.Instant
	table  string
	entity int64
}

// roll makes the rollups that are due, as long as the turn lasts: hours first,
// in the order of time, then the days that ended by limit.
func roll(ctx context.Context, s *conn.Writer, limit schema.Instant, turn *Turn) (done bool, err error) {
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		for done := false; !done; {
			if turn.over() {
				return false, nil
			}
			if err := errors.Join(ctx.Err(), s.CheckLock()); err != nil {
				return false, err
			}
			if done, err = rollSome(ctx, s, level, limit, turn); err != nil {
				return false, fmt.Errorf("%s rollups: %w", level, err)
			}
		}
	}
	return true, nil
}

// rollSome works off some dues in one transaction, and reports whether there
// were no more.
func rollSome(ctx context.Context, s *conn.Writer, level archive.Level, limit schema.Instant, turn *Turn) (done bool, err error) {
	// Only hours that have closed are due; a day waits for its last one.
	last := limit - tables.SecondsOf(level)
	due, err := duesUpTo(ctx, s.Db, level, last)
	if err != nil || len(due) == 0 {
		return true, err
	}
	// With less, nothing could be pruned either: that waits for this.
	if err := dbfile.CheckSpace(s.Path, min(s.Options.MinFree, pruneNeeds), 0); err != nil {
		return false, err
	}
	err = conn.InTransaction(ctx, s.Db, func(tx *sql.Tx) error {
		w := roller{Prepared: conn.Prepare(ctx, tx), rollups: s.Rollups, turn: turn}
		for _, d := range due {
			if err := w.work(level, d); err != nil {
				return fmt.Errorf("%s, entity %d, %v: %w", d.table, d.entity, d.ts, err)
			}
			if turn.over() {
				break
			}
		}
		return nil
	})
	return false, err
}

func duesUpTo(ctx context.Context, db conn.Queryer, level archive.Level, last schema.Instant) (list []due, err error) {
	err = conn.Each(ctx, db, func(rows *sql.Rows) error {
		var d due
		err := rows.Scan(&d.ts, &d.table, &d.entity)
		list = append(list, d)
		return err
	}, selectDue, level, last, dueSlice)
	return list, err
}

// roller makes rollups within one transaction.
type roller struct {
	conn.Prepared
	rollups map[string]*tables.Rollup
	turn    *Turn
}

// work makes what is due.
func (w *roller) work(level archive.Level, d due) error {
	w.turn.spent += dueEffort
	roll, source := w.hour, archive.Raw
	if level == archive.Daily {
		roll, source = w.day, archive.Hourly
	}
	if r, known := w.rollups[d.table]; known {
		if err := w.EachSeries(r, source, d.entity, func(series []any) error { return roll(r, d, series) }); err != nil {
			return err
		}
	}
	return w.Exec(deleteDue, level, d.ts, d.table, d.entity)
}

// hour makes one row of an hourly rollup. It stays as it is if it stands for
// more rows than there are: then these were pruned.
func (w *roller) hour(r *tables.Rollup, d due, series []any) error {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists, err := w.ending(r, r.At[archive.Hourly], key)
	if err != nil {
		return err
	}
	before, _, err := w.ending(r, r.Before, key)
	if err != nil {
		return err
	}
	row := begin(r, d.ts, before)
	if err := w.rawRows(r, &row, append(key, d.ts+tables.SecondsOf(archive.Hourly)-1)); err != nil {
		return err
	}
	if row.samples == 0 || exists && row.samples < old.samples {
		return nil
	}
	for i := range row.aggregates {
		row.aggregates[i].percentiles()
	}
	if err := w.store(r, archive.Hourly, row, series); err != nil {
		return err
	}
	if !exists || !slices.Equal(endingOf(r, row).last, old.last) {
		// The next one begins where this one ends.
		var next schema.Instant
		if err := w.One(r.After, &next, key...); err != nil {
			return err
		}
		if next != 0 {
			if err := w.Exec(InsertDue, archive.Hourly, next, d.table, d.entity); err != nil {
				return err
			}
		}
	}
	return w.Exec(InsertDue, archive.Daily, archive.Daily.Begin(d.ts), d.table, d.entity)
}

// rawRows brings the rows of an hour into the row.
func (w *roller) rawRows(r *tables.Rollup, row *rolledRow, args []any) error {
	stmt, err := w.Statement(r.Raw)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.Ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close() // its error is that of rows.Err
	cells := make([]tables.Cell, len(r.Columns))
	dest := tables.Pointers(cells)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		row.samples++
		for i, c := range r.Columns {
			if !cells[i].Set {
				continue
			}
			if c.Gauge {
				row.aggregates[i].gauge(cells[i].Value, c.Percentiles)
			}
			if c.Counter {
				row.aggregates[i].counter(cells[i].Value)
			}
		}
	}
	w.turn.spent += row.samples
	return rows.Err()
}

// day makes one row of a daily rollup of the hours. It stays as it is if hours
// of it were pruned.
func (w *roller) day(r *tables.Rollup, d due, series []any) error {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists, err := w.ending(r, r.At[archive.Daily], key)
	if err != nil {
		return err
	}
	stmt, err := w.Statement(r.Hours)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.Ctx, append(key, d.ts+tables.SecondsOf(archive.Daily))...)
	if err != nil {
		return err
	}
	defer rows.Close() // its error is that of rows.Err
	row := row(r, d.ts)
	for rows.Next() {
		hour, err := scan(r, rows, archive.Hourly)
		if err != nil {
			return err
		}
		row.samples += hour.samples
		w.turn.spent++
		for i, a := range hour.aggregates {
			sum := &row.aggregates[i]
			sum.merge(a)
			sum.last = a.last
			if a.increase.Set {
				sum.grow(a.increase.Value)
			}
		}
	}
	if err := rows.Err(); err != nil || row.samples == 0 || exists && row.samples < old.samples {
		return err
	}
	return w.store(r, archive.Daily, row, series)
}

func (w *roller) store(r *tables.Rollup, level archive.Level, row rolledRow, series []any) error {
	args, err := binds(r, row, level, series)
	if err != nil {
		return err
	}
	return w.Exec(r.Put[level], args...)
}

// ending returns that of the row which a query gives, if it gives one.
func (w *roller) ending(r *tables.Rollup, query string, key []any) (e ending, exists bool, err error) {
	stmt, err := w.Statement(query)
	if err != nil {
		return ending{}, false, err
	}
	e = endingOf(r, row(r, 0))
	err = stmt.QueryRowContext(w.Ctx, key...).Scan(append([]any{&e.samples}, tables.Pointers(e.last)...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return ending{}, false, nil
	}
	return e, err == nil, err
}

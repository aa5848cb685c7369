package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"heapstash/schema"
)

const (
	selectDue = `SELECT ts, table_name, entity_id FROM rollup_due WHERE level = ? AND ts <= ?
		ORDER BY ts, table_name, entity_id LIMIT ?`
	countDue  = `SELECT count(*) FROM rollup_due WHERE level = ?`
	insertDue = `INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) VALUES (?, ?, ?, ?)`
	deleteDue = `DELETE FROM rollup_due WHERE level = ? AND ts = ? AND table_name = ? AND entity_id = ?`

	selectNextEntity = `SELECT ifnull(min(id), 0) FROM entity WHERE id > ?`
	deleteSetting    = `DELETE FROM setting WHERE name = ?`
)

// backfillSetting is the last entity of which what was cold has become due.
const backfillSetting = "rollup_backfill"

const (
	// rollEffort bounds what a pass rolls up, in rows read, where no more than
	// rollPasses times as much is due: a pass is never long for it, and an hour
	// is done long before the next one closes.
	rollEffort = 25_000
	rollPasses = 15
	// dueEffort is what one due costs besides its rows, of which an hour has
	// dueRows.
	dueEffort = 40
	dueRows   = 60
	// dueSlice bounds a transaction.
	dueSlice = 1_000
)

// rollTurn is a pass's share of what is due.
func (s *Writer) rollTurn(ctx context.Context) (*turn, error) {
	var due int64
	err := s.db.QueryRowContext(ctx, countDue, schema.Hourly).Scan(&due)
	return &turn{effort: max(rollEffort, due*(dueEffort+dueRows)/rollPasses)}, err
}

// due is one hour or day of one entity in one pair of tables.
type due struct {
	ts     schema.Instant
	table  string
	entity int64
}

// roll makes the rollups that are due, as long as the turn lasts: hours first,
// in the order of time, then the days that ended by limit. What was cold before
// there were rollups becomes due when nothing else is.
func (s *Writer) roll(ctx context.Context, limit schema.Instant, turn *turn) (done bool, err error) {
	for {
		for _, level := range []schema.Level{schema.Hourly, schema.Daily} {
			for done := false; !done; {
				if turn.over() {
					return false, nil
				}
				if err := errors.Join(ctx.Err(), s.locked()); err != nil {
					return false, err
				}
				if done, err = s.rollSome(ctx, level, limit, turn); err != nil {
					return false, fmt.Errorf("%s rollups: %w", level, err)
				}
			}
		}
		if more, err := s.enlistNext(ctx); err != nil || !more {
			return err == nil, err
		}
	}
}

// rollSome works off some dues in one transaction, and reports whether there
// were no more.
func (s *Writer) rollSome(ctx context.Context, level schema.Level, limit schema.Instant, turn *turn) (done bool, err error) {
	// Only hours that have closed are due; a day waits for its last one.
	last := limit - secondsOf(level)
	due, err := duesUpTo(ctx, s.db, level, last)
	if err != nil || len(due) == 0 {
		return true, err
	}
	// With less, nothing could be pruned either: that waits for this.
	if err := checkSpace(s.path, min(s.opts.MinFree, pruneNeeds), 0); err != nil {
		return false, err
	}
	err = inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		w := roller{prepared: prepare(ctx, tx), rollups: s.rollups, turn: turn}
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

func duesUpTo(ctx context.Context, db queryer, level schema.Level, last schema.Instant) (list []due, err error) {
	err = each(ctx, db, func(rows *sql.Rows) error {
		var d due
		err := rows.Scan(&d.ts, &d.table, &d.entity)
		list = append(list, d)
		return err
	}, selectDue, level, last, dueSlice)
	return list, err
}

// enlistNext makes the cold hours of the next entity due that was there before
// rollups were, and reports whether there was one.
func (s *Writer) enlistNext(ctx context.Context) (more bool, err error) {
	text, err := setting(ctx, s.db, backfillSetting)
	if err != nil || text == "" {
		return false, err
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return false, fmt.Errorf("setting %s: %w", backfillSetting, err)
	}
	err = inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		p := prepare(ctx, tx)
		if err := p.one(selectNextEntity, &id, id); err != nil {
			return err
		}
		if id == 0 {
			return p.exec(deleteSetting, backfillSetting)
		}
		for _, r := range s.rollups {
			if err := p.exec(r.enlist, id); err != nil {
				return err
			}
		}
		return p.exec(upsertSetting, backfillSetting, strconv.FormatInt(id, 10))
	})
	return err == nil && id != 0, err
}

// roller makes rollups within one transaction.
type roller struct {
	prepared
	rollups map[string]*rollup
	turn    *turn
}

// work makes what is due.
func (w *roller) work(level schema.Level, d due) error {
	w.turn.spent += dueEffort
	roll, source := w.hour, schema.Raw
	if level == schema.Daily {
		roll, source = w.day, schema.Hourly
	}
	if r, known := w.rollups[d.table]; known {
		if err := w.eachSeries(r, source, d.entity, func(series []any) error { return roll(r, d, series) }); err != nil {
			return err
		}
	}
	return w.exec(deleteDue, level, d.ts, d.table, d.entity)
}

// hour makes one row of an hourly rollup. It stays as it is if it stands for
// more rows than there are: then these were pruned.
func (w *roller) hour(r *rollup, d due, series []any) error {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists, err := w.ending(r, r.at[schema.Hourly], key)
	if err != nil {
		return err
	}
	before, _, err := w.ending(r, r.before, key)
	if err != nil {
		return err
	}
	row := r.begin(d.ts, before)
	if err := w.rawRows(r, &row, append(key, d.ts+secondsOf(schema.Hourly)-1)); err != nil {
		return err
	}
	if row.samples == 0 || exists && row.samples < old.samples {
		return nil
	}
	for i := range row.aggregates {
		row.aggregates[i].percentiles()
	}
	if err := w.store(r, schema.Hourly, row, series); err != nil {
		return err
	}
	if !exists || !slices.Equal(r.endingOf(row).last, old.last) {
		// The next one begins where this one ends.
		var next schema.Instant
		if err := w.one(r.after, &next, key...); err != nil {
			return err
		}
		if next != 0 {
			if err := w.exec(insertDue, schema.Hourly, next, d.table, d.entity); err != nil {
				return err
			}
		}
	}
	return w.exec(insertDue, schema.Daily, schema.Daily.Begin(d.ts), d.table, d.entity)
}

// rawRows brings the rows of an hour into the row.
func (w *roller) rawRows(r *rollup, row *rolledRow, args []any) error {
	stmt, err := w.statement(r.raw)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close() // its error is that of rows.Err
	cells := make([]cell, len(r.columns))
	dest := pointers(cells)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		row.samples++
		for i, c := range r.columns {
			if !cells[i].set {
				continue
			}
			if c.gauge {
				row.aggregates[i].gauge(cells[i].value, c.percentiles)
			}
			if c.counter {
				row.aggregates[i].counter(cells[i].value)
			}
		}
	}
	w.turn.spent += row.samples
	return rows.Err()
}

// day makes one row of a daily rollup of the hours. It stays as it is if hours
// of it were pruned.
func (w *roller) day(r *rollup, d due, series []any) error {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists, err := w.ending(r, r.at[schema.Daily], key)
	if err != nil {
		return err
	}
	stmt, err := w.statement(r.hours)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.ctx, append(key, d.ts+secondsOf(schema.Daily))...)
	if err != nil {
		return err
	}
	defer rows.Close() // its error is that of rows.Err
	row := r.row(d.ts)
	for rows.Next() {
		hour, err := r.scan(rows, schema.Hourly)
		if err != nil {
			return err
		}
		row.samples += hour.samples
		w.turn.spent++
		for i, a := range hour.aggregates {
			sum := &row.aggregates[i]
			sum.merge(a)
			sum.last = a.last
			if a.increase.set {
				sum.grow(a.increase.value)
			}
		}
	}
	if err := rows.Err(); err != nil || row.samples == 0 || exists && row.samples < old.samples {
		return err
	}
	return w.store(r, schema.Daily, row, series)
}

func (w *roller) store(r *rollup, level schema.Level, row rolledRow, series []any) error {
	args, err := r.binds(row, level, series)
	if err != nil {
		return err
	}
	return w.exec(r.put[level], args...)
}

// ending returns that of the row which a query gives, if it gives one.
func (w *roller) ending(r *rollup, query string, key []any) (e ending, exists bool, err error) {
	stmt, err := w.statement(query)
	if err != nil {
		return ending{}, false, err
	}
	e = r.endingOf(r.row(0))
	err = stmt.QueryRowContext(w.ctx, key...).Scan(append([]any{&e.samples}, pointers(e.last)...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return ending{}, false, nil
	}
	return e, err == nil, err
}

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
	selectDueRollups = `SELECT ts, table_name, entity_id FROM rollup_due WHERE level = ? AND ts <= ?
		ORDER BY ts, table_name, entity_id LIMIT ?`
	countDueRollups = `SELECT count(*) FROM rollup_due WHERE level = ?`
	InsertDueRollup = `INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) VALUES (?, ?, ?, ?)`
	deleteDueRollup = `DELETE FROM rollup_due WHERE level = ? AND ts = ? AND table_name = ? AND entity_id = ?`
)

const (
	// minRollupCost limits the rollups of a pass, in rows read. If more than catchUpPasses
	// times as much is due, a pass does that fraction of it, so that an hour is done long
	// before the next one closes. After a repair all hours are due, so maxRollupCost, some
	// seconds of work, is the upper limit.
	minRollupCost = 25_000
	catchUpPasses = 15
	maxRollupCost = 1_000_000
	// dueRollupCost is the cost of a due rollup without its rows; hourCost is the cost of
	// an hour's rows.
	dueRollupCost = 40
	hourCost      = 60
	// maxDueRollups limits a transaction.
	maxDueRollups = 1_000
)

// rollupBudget returns the budget of one pass for the due rollups.
func rollupBudget(ctx context.Context, s *conn.Writer) (*Budget, error) {
	var due int64
	err := s.DB.QueryRowContext(ctx, countDueRollups, archive.Hourly).Scan(&due)
	return &Budget{maxCost: min(max(minRollupCost, due*(dueRollupCost+hourCost)/catchUpPasses), maxRollupCost)}, err
}

// dueRollup is an hour or day of one entity in one pair of tables.
type dueRollup struct {
	ts     schema.Instant
	table  string
	entity int64
}

// roll makes due rollups within the budget, oldest first: hours, then days that ended by
// limit.
func roll(ctx context.Context, s *conn.Writer, limit schema.Instant, budget *Budget) (done bool, err error) {
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		for done := false; !done; {
			if budget.spent() {
				return false, nil
			}
			if err := errors.Join(ctx.Err(), s.CheckLock()); err != nil {
				return false, err
			}
			if done, err = rollBatch(ctx, s, level, limit, budget); err != nil {
				return false, fmt.Errorf("%s rollups: %w", level, err)
			}
		}
	}
	return true, nil
}

// rollBatch makes some due rollups in one transaction. It is done if there were none.
func rollBatch(ctx context.Context, s *conn.Writer, level archive.Level, limit schema.Instant, budget *Budget) (done bool, err error) {
	// Due hours have closed; a day waits for its last hour.
	last := limit - tables.SecondsOf(level)
	due, err := conn.List(ctx, s.DB, func(d *dueRollup) []any { return []any{&d.ts, &d.table, &d.entity} },
		selectDueRollups, level, last, maxDueRollups)
	if err != nil || len(due) == 0 {
		return true, err
	}
	// Pruning waits for rollups, so rollups run with as little space as pruning.
	if err := dbfile.CheckSpace(s.Path, min(s.Options.MinFree, minPruneSpace), 0); err != nil {
		return false, err
	}
	err = conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		w := rollupWriter{Prepared: conn.Prepare(ctx, tx), rollups: s.Rollups, budget: budget}
		for _, d := range due {
			if w.roll(level, d); w.Err() != nil {
				return fmt.Errorf("%s, entity %d, %v: %w", d.table, d.entity, d.ts, w.Err())
			}
			if budget.spent() {
				break
			}
		}
		return nil
	})
	return false, err
}

// rollupWriter makes rollups in one transaction.
type rollupWriter struct {
	*conn.Prepared
	rollups map[string]*tables.Rollup
	budget  *Budget
}

func (w *rollupWriter) roll(level archive.Level, d dueRollup) {
	w.budget.cost += dueRollupCost
	roll, below := w.rollHour, archive.Raw
	if level == archive.Daily {
		roll, below = w.rollDay, archive.Hourly
	}
	if r, known := w.rollups[d.table]; known {
		w.EachSeries(r, below, d.entity, func(series []any) { roll(r, d, series) })
	}
	w.Exec(deleteDueRollup, level, d.ts, d.table, d.entity)
}

// rollHour makes one row of an hourly rollup. It keeps the stored row if that covers more
// raw rows than there are now, because rows were pruned.
func (w *rollupWriter) rollHour(r *tables.Rollup, d dueRollup, series []any) {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists := w.endState(r, r.At[archive.Hourly], key)
	before, _ := w.endState(r, r.Before, key)
	row := rowAfter(r, d.ts, before)
	w.rawRows(r, &row, append(key, d.ts+tables.SecondsOf(archive.Hourly)-1))
	if row.samples == 0 || exists && row.samples < old.samples {
		return
	}
	for i := range row.aggregates {
		row.aggregates[i].percentiles()
	}
	w.store(r, archive.Hourly, row, series)
	if !exists || !slices.Equal(endStateOf(r, row).last, old.last) {
		// The next hour continues from the end of this one.
		if next := w.Number(r.After, key...); next != 0 {
			w.Exec(InsertDueRollup, archive.Hourly, next, d.table, d.entity)
		}
	}
	w.Exec(InsertDueRollup, archive.Daily, archive.Daily.Begin(d.ts), d.table, d.entity)
}

// each calls visit for every row of a query.
func (w *rollupWriter) each(query string, args []any, visit func(*sql.Rows) error) {
	if w.Err() != nil {
		return
	}
	stmt, err := w.Statement(query)
	if err != nil {
		w.Fail(err)
		return
	}
	rows, err := stmt.QueryContext(w.Ctx, args...)
	if err != nil {
		w.Fail(err)
		return
	}
	defer rows.Close() // rows.Err returns its error
	for rows.Next() && w.Err() == nil {
		w.Fail(visit(rows))
	}
	w.Fail(rows.Err())
}

// rawRows adds the raw rows of an hour to the row.
func (w *rollupWriter) rawRows(r *tables.Rollup, row *rolledRow, args []any) {
	cells := make([]tables.NullValue, len(r.Columns))
	dest := tables.Pointers(cells)
	w.each(r.Raw, args, func(rows *sql.Rows) error {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		row.samples++
		for i, c := range r.Columns {
			if cells[i].Set && c.Gauge {
				row.aggregates[i].gauge(cells[i].Value, c.Percentiles)
			}
			if cells[i].Set && c.Counter {
				row.aggregates[i].counter(cells[i].Value)
			}
		}
		return nil
	})
	w.budget.cost += row.samples
}

// rollDay makes one row of a daily rollup from the hourly rows. It keeps the stored row if
// some of its hours were pruned.
func (w *rollupWriter) rollDay(r *tables.Rollup, d dueRollup, series []any) {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists := w.endState(r, r.At[archive.Daily], key)
	row := newRow(r, d.ts)
	w.each(r.Hours, append(key, d.ts+tables.SecondsOf(archive.Daily)), func(rows *sql.Rows) error {
		hour, err := scanRow(r, rows, archive.Hourly)
		if err != nil {
			return err
		}
		row.samples += hour.samples
		w.budget.cost++
		for i, a := range hour.aggregates {
			sum := &row.aggregates[i]
			sum.merge(a)
			sum.last = a.last
			if a.increase.Set {
				sum.grow(a.increase.Value)
			}
		}
		return nil
	})
	if row.samples > 0 && (!exists || row.samples >= old.samples) {
		w.store(r, archive.Daily, row, series)
	}
}

func (w *rollupWriter) store(r *tables.Rollup, level archive.Level, row rolledRow, series []any) {
	args, err := rowArgs(r, row, level, series)
	w.Fail(err)
	w.Exec(r.Put[level], args...)
}

// endState returns the end of the row that the query finds, if it finds one.
func (w *rollupWriter) endState(r *tables.Rollup, query string, key []any) (e endState, exists bool) {
	e = endStateOf(r, newRow(r, 0))
	if !w.One(query, append([]any{&e.samples}, tables.Pointers(e.last)...), key...) {
		return endState{}, false
	}
	return e, true
}

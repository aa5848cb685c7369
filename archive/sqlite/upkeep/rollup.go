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
			if err := w.roll(level, d); err != nil {
				return fmt.Errorf("%s, entity %d, %v: %w", d.table, d.entity, d.ts, err)
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
	conn.Prepared
	rollups map[string]*tables.Rollup
	budget  *Budget
}

func (w *rollupWriter) roll(level archive.Level, d dueRollup) error {
	w.budget.cost += dueRollupCost
	roll, below := w.rollHour, archive.Raw
	if level == archive.Daily {
		roll, below = w.rollDay, archive.Hourly
	}
	if r, known := w.rollups[d.table]; known {
		if err := w.EachSeries(r, below, d.entity, func(series []any) error { return roll(r, d, series) }); err != nil {
			return err
		}
	}
	return w.Exec(deleteDueRollup, level, d.ts, d.table, d.entity)
}

// rollHour makes one row of an hourly rollup. It keeps the stored row if that covers more
// raw rows than there are now, because rows were pruned.
func (w *rollupWriter) rollHour(r *tables.Rollup, d dueRollup, series []any) error {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists, err := w.endState(r, r.At[archive.Hourly], key)
	if err != nil {
		return err
	}
	before, _, err := w.endState(r, r.Before, key)
	if err != nil {
		return err
	}
	row := rowAfter(r, d.ts, before)
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
	if !exists || !slices.Equal(endStateOf(r, row).last, old.last) {
		// The next hour continues from the end of this one.
		var next schema.Instant
		if err := w.One(r.After, &next, key...); err != nil {
			return err
		}
		if next != 0 {
			if err := w.Exec(InsertDueRollup, archive.Hourly, next, d.table, d.entity); err != nil {
				return err
			}
		}
	}
	return w.Exec(InsertDueRollup, archive.Daily, archive.Daily.Begin(d.ts), d.table, d.entity)
}

// rawRows adds the raw rows of an hour to the row.
func (w *rollupWriter) rawRows(r *tables.Rollup, row *rolledRow, args []any) error {
	stmt, err := w.Statement(r.Raw)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.Ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err returns its error
	cells := make([]tables.NullValue, len(r.Columns))
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
	w.budget.cost += row.samples
	return rows.Err()
}

// rollDay makes one row of a daily rollup from the hourly rows. It keeps the stored row if
// some of its hours were pruned.
func (w *rollupWriter) rollDay(r *tables.Rollup, d dueRollup, series []any) error {
	key := append(series[:len(series):len(series)], d.ts)
	old, exists, err := w.endState(r, r.At[archive.Daily], key)
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
	defer rows.Close() // rows.Err returns its error
	row := newRow(r, d.ts)
	for rows.Next() {
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
	}
	if err := rows.Err(); err != nil || row.samples == 0 || exists && row.samples < old.samples {
		return err
	}
	return w.store(r, archive.Daily, row, series)
}

func (w *rollupWriter) store(r *tables.Rollup, level archive.Level, row rolledRow, series []any) error {
	args, err := rowArgs(r, row, level, series)
	if err != nil {
		return err
	}
	return w.Exec(r.Put[level], args...)
}

// endState returns the end of the row that the query finds, if it finds one.
func (w *rollupWriter) endState(r *tables.Rollup, query string, key []any) (e endState, exists bool, err error) {
	stmt, err := w.Statement(query)
	if err != nil {
		return endState{}, false, err
	}
	e = endStateOf(r, newRow(r, 0))
	err = stmt.QueryRowContext(w.Ctx, key...).Scan(append([]any{&e.samples}, tables.Pointers(e.last)...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return endState{}, false, nil
	}
	return e, err == nil, err
}

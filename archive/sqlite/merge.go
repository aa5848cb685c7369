package sqlite

import (
	"database/sql"
	"errors"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// tally counts the verdict, and stores the refused value of a conflict.
func (w *writer) tally(v schema.Verdict, key tables.RowKey, metric int64, kept, refused schema.Value) error {
	switch v {
	case tables.Added:
		w.written.New++
	case schema.Same, schema.Refined:
		w.written.Duplicates++
	case schema.Conflicting:
		w.written.Conflicts++
		return w.Exec(insertConflict, key.Entity, metric, key.At, tables.BindValue(kept), tables.BindValue(refused), w.pass)
	}
	return nil
}

const insertConflict = `INSERT OR IGNORE INTO conflict (entity_id, metric_id, ts, kept, refused, pass_id)
	VALUES (?, ?, ?, ?, ?, ?)`

// mergeWide merges rows, sorted by key, into the table. It writes only rows that change.
func (w *writer) mergeWide(t *tables.Table, rows []keyedRow) error {
	stored, err := w.storedRows(t, rows)
	if err != nil {
		return err
	}
	blank := make([]tables.NullValue, len(t.Metrics))
	args := make([]any, 2+len(t.Metrics))
	for len(rows) > 0 {
		key := rows[0].RowKey
		cells := stored[key]
		if cells == nil {
			clear(blank)
			cells = blank
		}
		changed := false
		for len(rows) > 0 && rows[0].RowKey == key {
			added, err := w.mergeRow(t, cells, rows[0])
			if err != nil {
				return err
			}
			changed = changed || added
			rows = rows[1:]
		}
		if !changed {
			continue
		}
		for i, c := range cells {
			args[2+i] = c.Bind()
		}
		args[0], args[1] = key.At, key.Entity
		tier, err := w.tierOf(t.Name, key)
		if err != nil {
			return err
		}
		if err := w.Exec(t.Replace[tier], args...); err != nil {
			return err
		}
	}
	return nil
}

// tierOf returns the tier of a row to be written. It makes the hour of a late row due for
// another rollup.
func (w *writer) tierOf(table string, key tables.RowKey) (tier tables.Tier, err error) {
	if tier = tables.TierOf(key.At, w.Compacted[table]); tier == tables.Cold {
		err = w.Exec(upkeep.InsertDueRollup, archive.Hourly, archive.Hourly.Begin(key.At), table, key.Entity)
	}
	return tier, err
}

// mergeRow merges the row's readings that belong to the table into the cells, and reports
// whether they change.
func (w *writer) mergeRow(t *tables.Table, cells []tables.NullValue, p keyedRow) (changed bool, err error) {
	for _, r := range p.row.Readings {
		owner, column := w.Layout.Find(p.row.Entity, r.Metric)
		if owner != t {
			continue
		}
		c := &cells[column]
		verdict := c.Meet(r.Value)
		if err := w.tally(verdict, p.RowKey, w.Store.metrics[r.Metric], c.Value, r.Value); err != nil {
			return false, err
		}
		changed = changed || verdict == tables.Added || verdict == schema.Refined
	}
	return changed, nil
}

// storedRows returns the stored cells of the rows. It reads hot rows one time at a time,
// because a pass needs nearly all rows of that time.
func (w *writer) storedRows(t *tables.Table, rows []keyedRow) (map[tables.RowKey][]tables.NullValue, error) {
	stored := make(map[tables.RowKey][]tables.NullValue)
	for i, p := range rows {
		switch {
		case i > 0 && p.RowKey == rows[i-1].RowKey:
		case p.At <= w.Compacted[t.Name]:
			cells := make([]tables.NullValue, len(t.Metrics))
			switch err := w.scanRow(t.At[tables.Cold], cells, p.At, p.Entity); {
			case err == nil:
				stored[p.RowKey] = cells
			case !errors.Is(err, sql.ErrNoRows):
				return nil, err
			}
		case i == 0 || p.At != rows[i-1].At:
			if err := w.hotRows(t, p.At, rows[i:], stored); err != nil {
				return nil, err
			}
		}
	}
	return stored, nil
}

func (w *writer) scanRow(query string, row []tables.NullValue, args ...any) error {
	stmt, err := w.Statement(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(w.Ctx, args...).Scan(tables.Pointers(row)...)
}

// hotRows adds the hot cells of the wanted rows, which are sorted, at one time.
func (w *writer) hotRows(t *tables.Table, at schema.Instant, wanted []keyedRow, stored map[tables.RowKey][]tables.NullValue) error {
	stmt, err := w.Statement(t.HotAt)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.Ctx, at)
	if err != nil {
		return err
	}
	defer rows.Close() // rows.Err returns its error
	key := tables.RowKey{At: at}
	cells := make([]tables.NullValue, len(t.Metrics))
	dest := append([]any{&key.Entity}, tables.Pointers(cells)...)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		_, found := slices.BinarySearchFunc(wanted, key, func(p keyedRow, key tables.RowKey) int { return p.Compare(key) })
		if found {
			stored[key] = slices.Clone(cells)
		}
	}
	return rows.Err()
}

// mergeNarrow is mergeWide for samples without a column.
func (w *writer) mergeNarrow(samples []narrowSample) error {
	for _, sample := range samples {
		var c tables.NullValue
		err := w.One(w.Layout.Narrow.At[tables.TierOf(sample.At, w.Compacted[tables.NarrowName])], &c, sample.At, sample.Entity, sample.metric)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		verdict := c.Meet(sample.value)
		if err := w.tally(verdict, sample.RowKey, sample.metric, c.Value, sample.value); err != nil {
			return err
		}
		if verdict != tables.Added && verdict != schema.Refined {
			continue
		}
		tier, err := w.tierOf(tables.NarrowName, sample.RowKey)
		if err != nil {
			return err
		}
		if err := w.Exec(w.Layout.Narrow.Replace[tier], sample.At, sample.Entity, sample.metric, c.Bind()); err != nil {
			return err
		}
	}
	return nil
}

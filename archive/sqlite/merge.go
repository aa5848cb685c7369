package sqlite

import (
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// tally counts the verdict, stores the refused value of a conflict, and reports whether
// the kept value is to be written.
func (w *writer) tally(v schema.Verdict, key tables.RowKey, metric int64, kept, refused schema.Value) (changed bool) {
	switch v {
	case tables.Added:
		w.written.New++
	case schema.Same, schema.Refined:
		w.written.Duplicates++
	case schema.Conflicting:
		w.written.Conflicts++
		w.Exec(insertConflict, key.Entity, metric, key.At, tables.BindValue(kept), tables.BindValue(refused), w.pass)
	}
	return v == tables.Added || v == schema.Refined
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
			changed = w.mergeRow(t, cells, rows[0]) || changed
			rows = rows[1:]
		}
		if !changed {
			continue
		}
		args[0], args[1] = key.At, key.Entity
		for i, c := range cells {
			args[2+i] = c.Bind()
		}
		w.Exec(t.Replace[w.tierOf(t.Name, key)], args...)
	}
	return w.Err()
}

// tierOf returns the tier of a row to be written. It makes the hour of a late row due for
// another rollup.
func (w *writer) tierOf(table string, key tables.RowKey) tables.Tier {
	tier := tables.TierOf(key.At, w.Compacted[table])
	if tier == tables.Cold {
		w.Exec(upkeep.InsertDueRollup, archive.Hourly, archive.Hourly.Begin(key.At), table, key.Entity)
	}
	return tier
}

// mergeRow merges the row's readings that belong to the table into the cells, and reports
// whether they change.
func (w *writer) mergeRow(t *tables.Table, cells []tables.NullValue, p keyedRow) (changed bool) {
	for _, r := range p.row.Readings {
		owner, column := w.Layout.Find(p.row.Entity, r.Metric)
		if owner != t {
			continue
		}
		c := &cells[column]
		verdict := c.Meet(r.Value)
		changed = w.tally(verdict, p.RowKey, w.Store.metrics[r.Metric], c.Value, r.Value) || changed
	}
	return changed
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
			if w.One(t.At[tables.Cold], tables.Pointers(cells), p.At, p.Entity) {
				stored[p.RowKey] = cells
			}
		case i == 0 || p.At != rows[i-1].At:
			if err := w.hotRows(t, p.At, rows[i:], stored); err != nil {
				return nil, err
			}
		}
	}
	return stored, w.Err()
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
func (w *writer) mergeNarrow(samples []narrowSample) {
	narrow := w.Layout.Narrow
	for _, sample := range samples {
		var c tables.NullValue
		w.One(narrow.At[tables.TierOf(sample.At, w.Compacted[narrow.Name])], []any{&c}, sample.At, sample.Entity, sample.metric)
		verdict := c.Meet(sample.value)
		if w.tally(verdict, sample.RowKey, sample.metric, c.Value, sample.value) {
			w.Exec(narrow.Replace[w.tierOf(narrow.Name, sample.RowKey)], sample.At, sample.Entity, sample.metric, c.Bind())
		}
	}
}

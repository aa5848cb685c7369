package archive

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"heapstash/schema"
)

// cell is what a column holds: a value, or NULL.
type cell struct {
	value schema.Value
	set   bool
}

// Scan reads a value as SQLite stores it.
func (c *cell) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*c = cell{}
	case int64:
		*c = cell{schema.Int(v), true}
	case float64:
		*c = cell{schema.Real(v), true}
	default:
		return fmt.Errorf("a sample's value is a %T", src)
	}
	return nil
}

// bind is the cell as a statement's parameter.
func (c cell) bind() any {
	if !c.set {
		return nil
	}
	return bindValue(c.value)
}

func bindValue(v schema.Value) any {
	if i, ok := v.Int64(); ok {
		return i
	}
	return v.Float64()
}

// verdict is what became of a value that met a cell.
type verdict int

const (
	added     verdict = iota // the cell was empty
	same                     // it held the value, or the exact one that the value was cut from
	refined                  // it held the value cut; now it holds the exact one
	differing                // it held another one, and keeps it
)

// meet merges an incoming value into the cell.
func (c *cell) meet(v schema.Value) verdict {
	switch {
	case !c.set:
		*c = cell{v, true}
		return added
	case c.value == v || v.CutFrom(c.value):
		return same
	case c.value.CutFrom(v):
		c.value = v
		return refined
	default:
		return differing
	}
}

// tally counts the verdict, and keeps the refused value of a conflict.
func (w *writer) tally(v verdict, key rowKey, metric int64, kept, refused schema.Value) error {
	switch v {
	case added:
		w.written.New++
	case same, refined:
		w.written.Duplicates++
	case differing:
		w.written.Conflicts++
		return w.exec(insertConflict, key.entity, metric, key.at, bindValue(kept), bindValue(refused), w.pass)
	}
	return nil
}

const insertConflict = `INSERT OR IGNORE INTO conflict (entity_id, metric_id, ts, kept, refused, pass_id)
	VALUES (?, ?, ?, ?, ?, ?)`

// mergeWide brings rows, sorted by their keys, into the table, and writes those
// that change it.
func (w *writer) mergeWide(t *table, rows []placed) error {
	stored, err := w.storedRows(t, rows)
	if err != nil {
		return err
	}
	blank := make([]cell, len(t.metrics))
	args := make([]any, 2+len(t.metrics))
	for len(rows) > 0 {
		key := rows[0].rowKey
		cells := stored[key]
		if cells == nil {
			clear(blank)
			cells = blank
		}
		changed := false
		for len(rows) > 0 && rows[0].rowKey == key {
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
			args[2+i] = c.bind()
		}
		query := t.replaceHot
		args[0], args[1] = key.at, key.entity
		if key.at <= w.compacted[t.name] {
			query = t.replaceCold
			args[0], args[1] = key.entity, key.at
			if err := w.rollAgain(t.name, key); err != nil {
				return err
			}
		}
		if err := w.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

// rollAgain makes the hour due of a row that comes after it has closed.
func (w *writer) rollAgain(table string, key rowKey) error {
	return w.exec(insertDue, schema.Hourly, schema.Hourly.Begin(key.at), table, key.entity)
}

// mergeRow brings those of a row's readings that belong to the table into its
// cells, and reports whether they change.
func (w *writer) mergeRow(t *table, cells []cell, p placed) (changed bool, err error) {
	for _, r := range p.row.Readings {
		owner, column := w.layout.place(p.row.Entity, r.Metric)
		if owner != t {
			continue
		}
		c := &cells[column]
		verdict := c.meet(r.Value)
		if err := w.tally(verdict, p.rowKey, w.Store.metrics[r.Metric], c.value, r.Value); err != nil {
			return false, err
		}
		changed = changed || verdict == added || verdict == refined
	}
	return changed, nil
}

// storedRows returns the cells that the archive has at the rows' keys. Hot
// rows are read a moment at a time, for a pass meets nearly all of a moment's.
func (w *writer) storedRows(t *table, rows []placed) (map[rowKey][]cell, error) {
	stored := make(map[rowKey][]cell)
	for i, p := range rows {
		switch {
		case i > 0 && p.rowKey == rows[i-1].rowKey:
		case p.at <= w.compacted[t.name]:
			cells := make([]cell, len(t.metrics))
			switch err := w.scanRow(t.coldAt, cells, p.entity, p.at); {
			case err == nil:
				stored[p.rowKey] = cells
			case !errors.Is(err, sql.ErrNoRows):
				return nil, err
			}
		case i == 0 || p.at != rows[i-1].at:
			if err := w.hotRows(t, p.at, rows[i:], stored); err != nil {
				return nil, err
			}
		}
	}
	return stored, nil
}

func (w *writer) scanRow(query string, row []cell, args ...any) error {
	stmt, err := w.statement(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(w.ctx, args...).Scan(pointers(row)...)
}

// hotRows adds the cells of one moment, of the rows wanted, which are sorted.
func (w *writer) hotRows(t *table, at schema.Instant, wanted []placed, stored map[rowKey][]cell) error {
	stmt, err := w.statement(t.hotAt)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(w.ctx, at)
	if err != nil {
		return err
	}
	defer rows.Close() // its error is that of rows.Err
	key := rowKey{at: at}
	cells := make([]cell, len(t.metrics))
	dest := append([]any{&key.entity}, pointers(cells)...)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		_, found := slices.BinarySearchFunc(wanted, key, func(p placed, key rowKey) int { return p.compare(key) })
		if found {
			stored[key] = slices.Clone(cells)
		}
	}
	return rows.Err()
}

func pointers(row []cell) []any {
	dest := make([]any, len(row))
	for i := range row {
		dest[i] = &row[i]
	}
	return dest
}

// mergeNarrow does for samples without a column what mergeWide does for rows.
func (w *writer) mergeNarrow(samples []narrowSample) error {
	for _, sample := range samples {
		selection, replacement := narrowHotAt, replaceNarrowHot
		if sample.at <= w.compacted[narrowName] {
			selection, replacement = narrowColdAt, replaceNarrowCold
		}
		var c cell
		err := w.one(selection, &c, sample.at, sample.entity, sample.metric)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		verdict := c.meet(sample.value)
		if err := w.tally(verdict, sample.rowKey, sample.metric, c.value, sample.value); err != nil {
			return err
		}
		if verdict != added && verdict != refined {
			continue
		}
		if replacement == replaceNarrowCold {
			if err := w.rollAgain(narrowName, sample.rowKey); err != nil {
				return err
			}
		}
		if err := w.exec(replacement, sample.at, sample.entity, sample.metric, c.bind()); err != nil {
			return err
		}
	}
	return nil
}

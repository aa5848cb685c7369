package repair

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/pages"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// tableColumns are a table's columns.
type tableColumns struct {
	names []string // in the order of its records: the key first, but for tables with rowids
	keys  int      // 0 for a table with rowids
	rowid int      // the index of the column that is the rowid, -1 for none
}

// selectTableColumns has the columns in the order of [tableColumns].names.
const selectTableColumns = `SELECT t.name, t.wr, c.name, c.pk FROM pragma_table_list t, pragma_table_info(t.name) c
	WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
	ORDER BY t.name, iif(t.wr AND c.pk > 0, c.pk, 1000), c.cid`

// columnsOf returns the columns of every table of an archive of that version.
func columnsOf(ctx context.Context, version int) (map[string]tableColumns, error) {
	db, err := conn.InMemory(ctx, version)
	if err != nil {
		return nil, err
	}
	defer db.Close() // there is nothing to keep
	tables := make(map[string]tableColumns)
	err = conn.Each(ctx, db, func(rows *sql.Rows) error {
		var table, name string
		var withoutRowid bool
		var key int
		err := rows.Scan(&table, &withoutRowid, &name, &key)
		c, known := tables[table]
		if !known {
			c.rowid = -1
		}
		switch {
		case key > 0 && withoutRowid:
			c.keys++
		case key > 0:
			c.rowid = len(c.names)
		}
		c.names = append(c.names, name)
		tables[table] = c
		return err
	}, selectTableColumns)
	return tables, err
}

// record is a row that was read, by column.
type record map[string]any

func (r record) integer(column string) (int64, bool) {
	v, ok := r[column].(int64)
	return v, ok
}

func (r record) text(column string) string {
	v, _ := r[column].(string)
	return v
}

func isTable(name string) func(pages.Tree) bool {
	return func(t pages.Tree) bool { return t.Kind == "table" && t.Name == name }
}

// read calls visit for every row of a table that can be read.
func (r *repairer) read(table string, visit func(record) error) error {
	root := slices.IndexFunc(r.trees, isTable(table))
	if root < 0 {
		r.report.Tables = append(r.report.Tables, TableRepair{Table: table, Pages: 1})
		r.corrected(table, "the damaged schema has lost the table: the sqlite3 shell of sqlite.org may find its rows, sqlite3 FILE .recover", 1)
		return nil
	}
	c := r.columns[table]
	done := TableRepair{Table: table}
	into := make(record, len(c.names))
	damage, err := r.old.Rows(r.trees[root].Root, c.keys, func(rowid int64, row []any) error {
		if len(row) > len(c.names) {
			done.Damaged++
			return nil
		}
		if done.Rows++; done.Rows%4096 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		clear(into)
		for i, v := range row {
			into[c.names[i]] = v
		}
		if c.rowid >= 0 {
			into[c.names[c.rowid]] = rowid
		}
		return visit(into)
	})
	done.Pages, done.Damaged = damage.Pages, done.Damaged+damage.Rows
	r.report.Tables = append(r.report.Tables, done)
	return err
}

// readAll is [repairer.read] for rows that are queued.
func (r *repairer) readAll(table string, visit func(record) error) error {
	if err := r.read(table, visit); err != nil {
		return err
	}
	return r.flush()
}

// put inserts a row. It returns false if a constraint of the new archive forbids it.
func (r *repairer) put(query string, args ...any) (bool, error) {
	stmt := r.insert[query]
	if stmt == nil {
		var err error
		if stmt, err = r.tx.PrepareContext(r.ctx, query); err != nil {
			return false, err
		}
		r.insert[query] = stmt
	}
	// A context that can be cancelled would cost a goroutine for each row.
	_, err := stmt.ExecContext(context.WithoutCancel(r.ctx), args...)
	if lite, ok := errors.AsType[sqlite3.Error](err); ok && lite.Code == sqlite3.ErrConstraint {
		return false, nil
	}
	return err == nil, err
}

// bulk is a list of rows that one statement will insert.
type bulk struct {
	insert  string // one row
	args    []any
	singles []func() error
}

const bulkRows = 50

// queue inserts a row together with its neighbours. If one of them violates a
// constraint, single is called for each row instead. Call flush at the end.
func (r *repairer) queue(insert string, args []any, single func() error) error {
	if r.bulk.insert != insert || len(r.bulk.singles) == bulkRows {
		if err := r.flush(); err != nil {
			return err
		}
		r.bulk.insert = insert
	}
	r.bulk.args = append(r.bulk.args, args...)
	r.bulk.singles = append(r.bulk.singles, single)
	return nil
}

func (r *repairer) flush() error {
	defer func() { r.bulk.args, r.bulk.singles = r.bulk.args[:0], r.bulk.singles[:0] }()
	if len(r.bulk.singles) == bulkRows {
		values := ", (?" + strings.Repeat(", ?", len(r.bulk.args)/bulkRows-1) + ")"
		fresh, err := r.put(r.bulk.insert+strings.Repeat(values, bulkRows-1), r.bulk.args...)
		if err != nil || fresh {
			return err
		}
	}
	for _, single := range r.bulk.singles {
		if err := single(); err != nil {
			return err
		}
	}
	return nil
}

// rowKey is the entity and the time of a row of samples.
type rowKey struct {
	check.Row
	entity int64 // in the new archive
	at     schema.Instant
}

// rowOf reads the key of a row of samples. It returns false if a rule drops the row, and
// reports that.
func (r *repairer) rowOf(table string, of *tables.Rollup, rec record) (k rowKey, ok bool) {
	k.Of = of
	if id, whole := rec.integer("entity_id"); whole {
		var e knownEntity
		e, k.KnownEntity = r.entities[id]
		k.entity, k.Kind, k.Labelled = e.id, e.kind, e.labelled
	}
	k.Row.At, _ = rec.integer("ts")
	k.at = schema.Instant(k.Row.At)
	return k, !r.drops(table, k.Row, check.OrphanRows, check.AbsurdTimes, check.WrongTable)
}

// drops reports whether one of the rules drops the row.
func (r *repairer) drops(table string, row check.Row, rules ...check.RowRule) bool {
	for _, rule := range rules {
		if rule.Drops(row) {
			r.corrected(table, rule.Correction, 1)
			return true
		}
	}
	return false
}

// tierOf returns the tier of the new archive that a row of the table's tier from goes to.
func (r *repairer) tierOf(table string, from tables.Tier, at schema.Instant) tables.Tier {
	to := tables.TierOf(at, r.moved[table])
	if to != from {
		r.corrected(table+"_"+string(from), check.HotBehind.Correction, 1)
	}
	return to
}

// value converts a stored value to a cell. It returns false for text and blobs.
func value(v any) (c tables.NullValue, ok bool) {
	if f, isFloat := v.(float64); isFloat && math.IsNaN(f) {
		return tables.NullValue{}, true // as SQLite has it
	}
	return c, c.Scan(v) == nil
}

func (r *repairer) copyWide(t *tables.Table, of *tables.Rollup, tier tables.Tier) error {
	name := t.Name + "_" + string(tier)
	return r.readAll(name, func(rec record) error {
		k, ok := r.rowOf(name, of, rec)
		if !ok {
			return nil
		}
		cells := make([]tables.NullValue, len(t.Metrics))
		for i, m := range t.Metrics {
			if cells[i], ok = value(rec[m.Column()]); !ok {
				r.corrected(name, check.ValueTypes.Correction, 1)
			}
			k.HasValues = k.HasValues || cells[i].Set
		}
		if r.drops(name, k.Row, check.EmptyRows) {
			return nil
		}
		r.tierOf(t.Name, tier, k.at)
		insert, args := r.wideRow(t, k, cells)
		return r.queue(insert, args, func() error { return r.putWide(t, k, cells, name) })
	})
}

// insertOf returns the statement that inserts what another one replaces.
func insertOf(replace string) string { return "INSERT" + strings.TrimPrefix(replace, "REPLACE") }

// wideRow returns the statement that inserts a row into hot or cold, whichever is
// right for its time.
func (r *repairer) wideRow(t *tables.Table, k rowKey, cells []tables.NullValue) (insert string, args []any) {
	args = append(make([]any, 0, 2+len(cells)), k.at, k.entity)
	for _, c := range cells {
		args = append(args, c.Bind())
	}
	return insertOf(t.Replace[tables.TierOf(k.at, r.moved[t.Name])]), args
}

// putWide stores the cells of a row, or merges them into the existing row: an
// existing value stays, and a different one becomes a conflict.
func (r *repairer) putWide(t *tables.Table, k rowKey, cells []tables.NullValue, from string) error {
	insert, args := r.wideRow(t, k, cells)
	fresh, err := r.put(insert, args...)
	if err != nil || fresh {
		return err
	}
	there := make([]tables.NullValue, len(cells))
	tier := tables.TierOf(k.at, r.moved[t.Name])
	if err := r.tx.QueryRowContext(r.ctx, t.At[tier], args[:2]...).Scan(tables.Pointers(there)...); err != nil {
		return err
	}
	r.corrected(from, check.HotAndCold.Correction, 1)
	for i, c := range cells {
		if !c.Set {
			continue
		}
		if there[i].Meet(c.Value) == schema.Conflicting {
			if err := r.conflict(k, t.Metrics[i].Name, there[i].Value, c.Value, from); err != nil {
				return err
			}
		}
	}
	for i, c := range there {
		args[2+i] = c.Bind()
	}
	_, err = r.put(t.Replace[tier], args...)
	return err
}

func (r *repairer) conflict(k rowKey, m schema.MetricName, kept, refused schema.Value, from string) error {
	r.corrected(from, "second values of a sample went to conflict", 1)
	_, err := r.put(conn.InsertMetConflict, k.entity, m, k.at, tables.BindValue(kept), tables.BindValue(refused))
	return err
}

func (r *repairer) copyNarrow(of *tables.Rollup, tier tables.Tier) error {
	name := tables.NarrowName + "_" + string(tier)
	return r.readAll(name, func(rec record) error {
		k, ok := r.rowOf(name, of, rec)
		if !ok {
			return nil
		}
		id, _ := rec.integer("metric_id")
		var m knownMetric
		if m, k.KnownMetric = r.metrics[id]; r.drops(name, k.Row, check.OrphanMetrics) {
			return nil
		}
		c, ok := value(rec["value"])
		if !ok || !c.Set {
			r.corrected(name, check.ValueTypes.Correction, 1)
			return nil
		}
		e := schema.Entity{Kind: k.Kind}
		if k.Labelled {
			e.Labels = "any"
		}
		if t, column := r.layout.Find(e, m.name); t != nil {
			r.corrected(name, check.NarrowColumn.Correction, 1)
			cells := make([]tables.NullValue, len(t.Metrics))
			cells[column] = c
			return r.putWide(t, k, cells, name)
		}
		to := r.tierOf(tables.NarrowName, tier, k.at)
		return r.queue(insertOf(r.layout.Narrow.Replace[to]), []any{k.at, k.entity, m.id, c.Bind()}, func() error {
			return r.putNarrow(k, m, c, name, to)
		})
	})
}

func (r *repairer) putNarrow(k rowKey, m knownMetric, c tables.NullValue, from string, to tables.Tier) error {
	replace := r.layout.Narrow.Replace[to]
	fresh, err := r.put(insertOf(replace), k.at, k.entity, m.id, c.Bind())
	if err != nil || fresh {
		return err
	}
	r.corrected(from, check.HotAndCold.Correction, 1)
	var there tables.NullValue
	if err := r.tx.QueryRowContext(r.ctx, r.layout.Narrow.At[to], k.at, k.entity, m.id).Scan(&there); err != nil {
		return err
	}
	if there.Meet(c.Value) == schema.Conflicting {
		return r.conflict(k, m.name, there.Value, c.Value, from)
	}
	_, err = r.put(replace, k.at, k.entity, m.id, there.Bind())
	return err
}

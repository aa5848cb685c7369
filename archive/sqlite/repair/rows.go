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

const selectTableColumns = `SELECT t.name, t.wr, c.name, c.pk FROM pragma_table_list t, pragma_table_info(t.name) c
	WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY t.name, c.cid`

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
		if err := rows.Scan(&table, &withoutRowid, &name, &key); err != nil {
			return err
		}
		c, known := tables[table]
		if !known {
			c.rowid = -1
		}
		switch {
		case !withoutRowid && key > 0:
			c.rowid = len(c.names)
		case key > 0:
			c.names = slices.Insert(c.names, min(key-1, len(c.names)), name)
			c.keys++
			tables[table] = c
			return nil
		}
		c.names = append(c.names, name)
		tables[table] = c
		return nil
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
	entity int64
	known  knownEntity
	at     schema.Instant
}

// keyOf returns the key of a row. It returns false, and reports the row as
// dropped, if the entity is unknown or the time absurd.
func (r *repairer) keyOf(table string, rec record) (p rowKey, ok bool) {
	var whole bool
	if p.entity, whole = rec.integer("entity_id"); whole {
		p.known, ok = r.entities[p.entity]
	}
	if !ok {
		r.corrected(table, "rows of an entity that is not there were dropped", 1)
		return p, false
	}
	p.entity = p.known.id
	ts, whole := rec.integer("ts")
	if !whole || ts < 1 || ts > check.LastSecond {
		r.corrected(table, "rows of an absurd time were dropped", 1)
		return p, false
	}
	p.at = schema.Instant(ts)
	return p, true
}

// value converts a stored value to a cell. It returns false for text and blobs.
func value(v any) (c tables.NullValue, ok bool) {
	if f, isFloat := v.(float64); isFloat && math.IsNaN(f) {
		return tables.NullValue{}, true // as SQLite has it
	}
	return c, c.Scan(v) == nil
}

func (r *repairer) copyWide(t *tables.Table, tier tables.Tier) error {
	name := t.Name + "_" + string(tier)
	return r.readAll(name, func(rec record) error {
		p, ok := r.keyOf(name, rec)
		if !ok {
			return nil
		}
		if t.Family == schema.Unlabelled && (p.known.kind != t.Kind || p.known.labelled) || t.Family != schema.Unlabelled && !p.known.labelled {
			r.corrected(name, "rows of an entity of another kind were dropped", 1)
			return nil
		}
		cells, set := make([]tables.NullValue, len(t.Metrics)), false
		for i, m := range t.Metrics {
			if cells[i], ok = value(rec[m.Column()]); !ok {
				r.corrected(name, "values that are no numbers were dropped", 1)
			}
			set = set || cells[i].Set
		}
		if !set {
			r.corrected(name, "rows without a value were dropped", 1)
			return nil
		}
		if (p.at <= r.moved[t.Name]) != (tier == tables.Cold) {
			r.corrected(name, "rows that belong to the other one of hot and cold were moved there", 1)
		}
		insert, args := r.wideRow(t, p, cells)
		return r.queue(insert, args, func() error { return r.putWide(t, p, cells, name) })
	})
}

// wideRow returns the statement that inserts a row into hot or cold, whichever is
// right for its time.
func (r *repairer) wideRow(t *tables.Table, p rowKey, cells []tables.NullValue) (insert string, args []any) {
	insert, args = t.ReplaceHot, append(make([]any, 0, 2+len(cells)), p.at, p.entity)
	if p.at <= r.moved[t.Name] {
		insert = t.ReplaceCold
		slices.Reverse(args)
	}
	for _, c := range cells {
		args = append(args, c.Bind())
	}
	return "INSERT" + strings.TrimPrefix(insert, "REPLACE"), args
}

// putWide stores the cells of a row, or merges them into the existing row: an
// existing value stays, and a different one becomes a conflict.
func (r *repairer) putWide(t *tables.Table, p rowKey, cells []tables.NullValue, from string) error {
	insert, args := r.wideRow(t, p, cells)
	fresh, err := r.put(insert, args...)
	if err != nil || fresh {
		return err
	}
	there := make([]tables.NullValue, len(cells))
	at, replace := readHot(t), t.ReplaceHot
	if p.at <= r.moved[t.Name] {
		at, replace = t.ColdAt, t.ReplaceCold
	}
	if err := r.tx.QueryRowContext(r.ctx, at, args[:2]...).Scan(tables.Pointers(there)...); err != nil {
		return err
	}
	r.corrected(from, "rows that were there twice were brought together", 1)
	for i, c := range cells {
		if !c.Set {
			continue
		}
		if there[i].Meet(c.Value) == schema.Conflicting {
			if err := r.conflict(p, t.Metrics[i].Name, there[i].Value, c.Value, from); err != nil {
				return err
			}
		}
	}
	for i, c := range there {
		args[2+i] = c.Bind()
	}
	_, err = r.put(replace, args...)
	return err
}

// readHot is [tables.Table.ColdAt] for the hot table.
func readHot(t *tables.Table) string {
	return strings.NewReplacer(t.Name+"_cold", t.Name+"_hot", "entity_id = ? AND ts = ?", "ts = ? AND entity_id = ?").Replace(t.ColdAt)
}

const (
	insertNarrowHot  = `INSERT INTO narrow_hot (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)`
	insertNarrowCold = `INSERT INTO narrow_cold (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)`

	// A conflict needs a pass: the last one of the cluster, or of any.
	insertMetConflict = `INSERT OR IGNORE INTO conflict (entity_id, metric_id, ts, kept, refused, pass_id)
		SELECT ?1, m.id, ?3, ?4, ?5, ifnull((SELECT max(p.id) FROM pass p JOIN entity e ON e.cluster = p.cluster WHERE e.id = ?1),
			ifnull((SELECT max(id) FROM pass), 1)) FROM metric m WHERE m.name = ?2`
)

func (r *repairer) conflict(p rowKey, m schema.MetricName, kept, refused schema.Value, from string) error {
	r.corrected(from, "second values of a sample went to conflict", 1)
	_, err := r.put(insertMetConflict, p.entity, m, p.at, tables.BindValue(kept), tables.BindValue(refused))
	return err
}

func (r *repairer) copyNarrow(tier tables.Tier) error {
	name := tables.NarrowName + "_" + string(tier)
	return r.readAll(name, func(rec record) error {
		p, ok := r.keyOf(name, rec)
		if !ok {
			return nil
		}
		id, _ := rec.integer("metric_id")
		m, known := r.metrics[id]
		if !known {
			r.corrected(name, "samples of a metric that is not there were dropped", 1)
			return nil
		}
		c, ok := value(rec["value"])
		if !ok || !c.Set {
			r.corrected(name, "values that are no numbers were dropped", 1)
			return nil
		}
		of := schema.Entity{Kind: p.known.kind}
		if p.known.labelled {
			of.Labels = "any"
		}
		if t, column := r.layout.Find(of, m.name); t != nil {
			r.corrected(name, "samples whose metric has a column were moved there", 1)
			cells := make([]tables.NullValue, len(t.Metrics))
			cells[column] = c
			return r.putWide(t, p, cells, name)
		}
		insert := insertNarrowHot
		if p.at <= r.moved[tables.NarrowName] {
			insert = insertNarrowCold
		}
		if (insert == insertNarrowCold) != (tier == tables.Cold) {
			r.corrected(name, "rows that belong to the other one of hot and cold were moved there", 1)
		}
		return r.queue(insert, []any{p.at, p.entity, m.id, c.Bind()}, func() error {
			return r.putNarrow(p, m, c, name, insert)
		})
	})
}

func (r *repairer) putNarrow(p rowKey, m knownMetric, c tables.NullValue, from, insert string) error {
	at, replace := tables.NarrowHotAt, tables.ReplaceNarrowHot
	if insert == insertNarrowCold {
		at, replace = tables.NarrowColdAt, tables.ReplaceNarrowCold
	}
	fresh, err := r.put(insert, p.at, p.entity, m.id, c.Bind())
	if err != nil || fresh {
		return err
	}
	r.corrected(from, "rows that were there twice were brought together", 1)
	var there tables.NullValue
	if err := r.tx.QueryRowContext(r.ctx, at, p.at, p.entity, m.id).Scan(&there); err != nil {
		return err
	}
	if there.Meet(c.Value) == schema.Conflicting {
		return r.conflict(p, m.name, there.Value, c.Value, from)
	}
	_, err = r.put(replace, p.at, p.entity, m.id, there.Bind())
	return err
}

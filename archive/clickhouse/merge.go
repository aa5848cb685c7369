package clickhouse

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// mergeAll merges rows of a batch into a table of samples, and writes the rows that
// change. One statement inserts all of them, so that a server shows them at once.
func (w *writer) mergeAll(t *tables.Table, rows []newRow) (err error) {
	m := &merge{writer: w, table: t}
	if t.IsWide() {
		if m.strays, err = w.strayMetrics(t, rows); err != nil {
			return err
		}
	}
	if err := chunks(rows, func(a, b newRow) int { return a.compare(b.cellKey) }, m.chunk); err != nil {
		m.abort()
		return err
	}
	return m.send()
}

// merge writes one table.
type merge struct {
	*writer
	table  *tables.Table
	batch  driver.Batch // nil until a row changes
	strays bool         // narrow has, or may get, values that do not fit a column
}

// stored is a row of the archive. Older versions of it may be there as well: a pass that
// ran at the same time may have replaced a row without seeing it.
type stored struct {
	cells  []cell // of all versions, the oldest first
	newest []cell // of the version that counts
}

// chunk merges sorted rows.
func (m *merge) chunk(rows []newRow) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	archived, err := m.read(m.table, rows, nil)
	if err != nil {
		return err
	}
	var strays map[cellKey]*stored
	if m.strays {
		var names []string
		for _, metric := range m.table.Metrics {
			names = append(names, string(metric.Name))
		}
		if strays, err = m.read(m.conn.Layout.Narrow, rows, names); err != nil {
			return err
		}
	}
	moved := make(drafts)
	var changed [][]any
	for len(rows) > 0 {
		key, n := rows[0].cellKey, 1
		for n < len(rows) && rows[n].cellKey == key {
			n++
		}
		if row, err := m.mergeRow(archived[key], strays, rows[:n], moved); err != nil {
			return err
		} else if row != nil {
			changed = append(changed, row)
		}
		rows = rows[n:]
	}
	// What leaves a column is in narrow before that.
	narrow := m.conn.Layout.Narrow
	if len(moved[narrow]) > 0 {
		m.touched[narrow] = true
	}
	if err := moved.insert(m.ctx, m.conn, narrow); err != nil {
		return err
	}
	return m.append(changed)
}

// mergeRow merges the rows of one key. It returns the row to write, nil if it does not
// change.
func (m *merge) mergeRow(row *stored, strays map[cellKey]*stored, rows []newRow, moved drafts) ([]any, error) {
	t, key := m.table, rows[0].cellKey
	if row == nil {
		row = &stored{cells: make([]cell, max(len(t.Metrics), 1))}
	}
	cells := row.cells
	for i := range t.Metrics {
		if stray := strays[cellKey{key.entity, t.Metrics[i].Name, key.at}]; stray != nil && stray.cells[0].set {
			cells[i].meet(stray.cells[0].value)
		}
	}
	for _, r := range rows {
		if r.row == nil {
			m.count(&cells[0], key, key.metric, r.value)
			continue
		}
		for _, reading := range r.row.Readings {
			if owner, i := m.conn.Layout.Find(key.entity, reading.Metric); owner == t {
				m.count(&cells[i], key, reading.Metric, reading.Value)
			}
		}
	}
	cells = slices.Clone(cells)
	if t.IsWide() {
		for i, metric := range t.Metrics {
			stray, at := strays[cellKey{key.entity, metric.Name, key.at}], cellKey{key.entity, metric.Name, key.at}
			var now cell
			if cells[i].set && !fits(t, i, cells[i].value) {
				now, cells[i] = cells[i], cell{}
			}
			if was := (cell{}); stray != nil {
				was = stray.newest[0]
				if now != was {
					moved[m.conn.Layout.Narrow] = append(moved[m.conn.Layout.Narrow], m.line(m.conn.Layout.Narrow, at, []cell{now}))
				}
			} else if now.set {
				moved[m.conn.Layout.Narrow] = append(moved[m.conn.Layout.Narrow], m.line(m.conn.Layout.Narrow, at, []cell{now}))
			}
		}
	}
	if row.newest != nil && slices.Equal(cells, row.newest) {
		return nil, nil
	}
	return m.line(t, key, cells), nil
}

// count merges a value into a cell, counts it, and adds a conflict.
func (m *merge) count(c *cell, key cellKey, metric schema.MetricName, v schema.Value) {
	verdict := c.meet(v)
	if verdict == schema.Conflicting {
		m.putConflict(key, metric, c.value, v)
	}
	if m.repair {
		return // it is counted already
	}
	switch verdict {
	case added:
		m.written.New++
	case schema.Same, schema.Refined:
		m.written.Duplicates++
	case schema.Conflicting:
		m.written.Conflicts++
	}
}

// putConflict adds a conflict. Its revision makes the first one of a sample count.
func (m *merge) putConflict(key cellKey, metric schema.MetricName, kept, refused schema.Value) {
	t := m.conn.Layout.Conflict
	row := append(namesOf(m.cluster, key.entity), string(metric), int64(key.at))
	k, r := half(kept), half(refused)
	row = append(row, k[0], r[0], k[1], r[1], int64(m.pass), uint8(0), ^conn.Revision())
	m.drafts[t] = append(m.drafts[t], row)
}

// half returns the value as an integer and a float, one of them nil.
func half(v schema.Value) [2]any {
	if n, isInteger := v.Int64(); isInteger {
		return [2]any{n, nil}
	}
	return [2]any{nil, v.Float64()}
}

// line returns the row of a key and its cells.
func (m *merge) line(t *tables.Table, key cellKey, cells []cell) []any {
	row := make([]any, 0, len(t.Key)+len(t.Values)+2)
	for _, name := range t.KeyNames() {
		row = append(row, key.column(m.cluster, name))
	}
	return append(appendCells(row, t, cells), conn.Revision())
}

// column returns the value of a column of a table's key.
func (k cellKey) column(cluster, name string) any {
	switch name {
	case "cluster":
		return cluster
	case "kind":
		return k.entity.Kind.String()
	case "namespace":
		return k.entity.Namespace
	case "pod":
		return k.entity.Pod
	case "container":
		return k.entity.Container
	case "node":
		return k.entity.Node
	case "labels":
		return k.entity.Labels
	case "metric":
		return string(k.metric)
	default:
		return int64(k.at)
	}
}

// append sends the rows to the server, which inserts them when the table is complete.
func (m *merge) append(rows [][]any) (err error) {
	if len(rows) == 0 {
		return nil
	}
	if m.batch == nil {
		if m.batch, err = m.conn.Prepare(m.ctx, m.table); err != nil {
			return err
		}
	}
	m.changed += len(rows)
	m.touched[m.table] = true
	for _, row := range rows {
		if err := m.batch.Append(row...); err != nil {
			return err
		}
	}
	return m.batch.Flush()
}

func (m *merge) send() error {
	if m.batch == nil {
		return nil
	}
	return m.batch.Send()
}

func (m *merge) abort() {
	if m.batch != nil {
		_ = m.batch.Abort()
	}
}

// strayMetrics reports whether values that do not fit their column are in the batch, or in
// narrow at the batch's times.
func (w *writer) strayMetrics(t *tables.Table, rows []newRow) (bool, error) {
	times := make(map[schema.Instant]bool)
	for _, r := range rows {
		times[r.at] = true
		for _, reading := range r.row.Readings {
			if owner, i := w.conn.Layout.Find(r.entity, reading.Metric); owner == t && !fits(t, i, reading.Value) {
				return true, nil
			}
		}
	}
	if len(times) == 0 {
		return false, nil
	}
	var names []string
	for _, m := range t.Metrics {
		names = append(names, tables.Literal(string(m.Name)))
	}
	var n uint64
	err := w.one(w.ctx, "SELECT count() FROM (SELECT ts FROM narrow_rows WHERE cluster = ? AND metric IN ("+strings.Join(names, ", ")+") AND ts IN ("+listOf(times)+") LIMIT 1)", &n, w.cluster)
	return n > 0, err
}

func listOf(times map[schema.Instant]bool) string {
	var all []string
	for _, at := range slices.Sorted(maps.Keys(times)) {
		all = append(all, strconv.FormatInt(int64(at), 10))
	}
	return strings.Join(all, ", ")
}

// read reads all versions of the table's rows that the rows meet. The rows' entities and
// times are wanted, and in narrow the metrics, unless there are none: then those of the
// rows.
func (m *merge) read(t *tables.Table, rows []newRow, metrics []string) (map[cellKey]*stored, error) {
	wanted := make(map[cellKey]bool, len(rows))
	times := make(map[schema.Instant]bool)
	var near within
	for _, r := range rows {
		times[r.at] = true
		wanted[r.cellKey] = true
		near.addEntity(r.entity)
		if metrics == nil && r.metric != "" {
			near.add("metric", string(r.metric))
		}
	}
	for _, name := range metrics {
		near.add("metric", name)
	}
	columns := t.KeyNames()
	var selected []string
	for _, c := range t.Columns() {
		selected = append(selected, c.Name)
	}
	all := make(map[cellKey]*stored)
	statement := "SELECT " + strings.Join(selected, ", ") + " FROM " + t.Rows() + " WHERE cluster = ? AND ts IN (" + listOf(times) + ")" + near.condition(columns) + " ORDER BY revision"
	err := m.each(m.ctx, statement, func(scan scanner) error {
		var key cellKey
		var cluster, kind string
		var row scanned
		into := []any{}
		for _, name := range columns {
			into = append(into, key.place(name, &cluster, &kind))
		}
		if err := scan(append(into, row.columns(t)...)...); err != nil {
			return err
		}
		var err error
		if key.entity.Kind = t.Kind; t.Kind == 0 {
			if key.entity.Kind, err = schema.ParseKind(kind); err != nil {
				return err
			}
		}
		wide := key
		if metrics != nil {
			wide.metric = ""
		}
		if !wanted[wide] {
			return nil
		}
		conn.Overtake(row.revision)
		cells := row.cells(t)
		one := all[key]
		if one == nil {
			all[key] = &stored{cells: slices.Clone(cells), newest: cells}
			return nil
		}
		for i, c := range cells {
			if c.set {
				one.cells[i].meet(c.value)
			}
		}
		one.newest = cells
		return nil
	}, m.cluster)
	return all, err
}

// place returns where a column of a table's key is scanned to.
func (k *cellKey) place(name string, cluster, kind *string) any {
	switch name {
	case "cluster":
		return cluster
	case "kind":
		return kind
	case "namespace":
		return &k.entity.Namespace
	case "pod":
		return &k.entity.Pod
	case "container":
		return &k.entity.Container
	case "node":
		return &k.entity.Node
	case "labels":
		return &k.entity.Labels
	case "metric":
		return (*string)(&k.metric)
	default:
		return (*int64)(&k.at)
	}
}

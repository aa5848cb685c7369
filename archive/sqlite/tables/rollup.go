package tables

import (
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// Rollup rolls up a pair of tables: raw rows to hours, hours to days. It works on a
// series at a time: an entity, or in narrow tables an entity and a metric.
type Rollup struct {
	Table   string      // without _hot or _cold
	Kind    schema.Kind // of the entities; zero for labelled families and the narrow tables
	Owners  string      // the SQL condition on entities e whose rows are in the tables
	Keys    []string
	Columns []rolledColumn

	// SQL statements. Most have the series' Keys as their first parameters; the
	// comments list the others. "End" is the columns of [Rollup.endColumns].
	Raw     string                   // from, to, both included: values of the cold rows in time order
	MarkAt  string                   // without Keys; hour, from, to: marks the hot rows' entities as due
	MarkAll string                   // without Keys: marks the hours of all cold rows and the days of all hours as due
	Hours   string                   // from, included, to, excluded: hourly rows
	Before  string                   // hour: end of the last hourly row before it
	After   string                   // hour: ts of the first hourly row after it, or 0
	At      map[archive.Level]string // ts: end of the row
	Put     map[archive.Level]string // [Rollup.Selected]: stores the row

	Oldest map[archive.Level]string // the first ts, or 0
	Remove map[archive.Level]string // ts: deletes the rows before it
	Values string                   // ts: number of samples in the cold rows before it
	// Of cold rows; from, to, both included.
	ValuesIn, RemoveIn string
	Next               map[archive.Level]string // narrow tables only: the entity's next metric_id, or 0
}

// rolledColumn is a metric's column in a rollup.
type rolledColumn struct {
	Name           string
	Gauge, Counter bool // both if the type is not known
	Percentiles    bool
}

// Stored returns the column's statistics in the table of a level.
func (c rolledColumn) Stored(level archive.Level) (names []string) {
	suffixes := []string{}
	if c.Gauge {
		suffixes = append(suffixes, "_min", "_max", "_sum")
	}
	if c.Percentiles && level == archive.Hourly {
		suffixes = append(suffixes, "_p50", "_p95")
	}
	if c.Counter {
		suffixes = append(suffixes, "_increase", "_last")
	}
	for _, suffix := range suffixes {
		names = append(names, c.Name+suffix)
	}
	return names
}

// Rollups returns the rollups by [Rollup.Table].
func (l Layout) Rollups() map[string]*Rollup {
	all := make(map[string]*Rollup)
	for _, t := range l.Tables {
		r := &Rollup{Table: t.Name, Kind: t.Kind, Owners: t.Owners(), Keys: []string{"entity_id"}}
		for _, m := range t.Metrics {
			c := rolledColumn{Name: m.Column(), Gauge: m.Type == schema.Gauge, Counter: m.Type == schema.Cumulative}
			c.Percentiles = archive.HasPercentiles(m)
			r.Columns = append(r.Columns, c)
		}
		r.prepare()
		all[t.Name] = r
	}
	narrow := &Rollup{Table: NarrowName, Owners: "1", Keys: []string{"entity_id", "metric_id"},
		Columns: []rolledColumn{{Name: "value", Gauge: true, Counter: true}}}
	narrow.prepare()
	all[NarrowName] = narrow
	return all
}

// Has reports whether the tables may have rows of an entity.
func (r *Rollup) Has(kind schema.Kind, labelled bool) bool {
	return r.IsNarrow() || labelled == (r.Kind == 0) && (labelled || r.Kind == kind)
}

// IsNarrow reports whether a series has one metric.
func (r *Rollup) IsNarrow() bool { return len(r.Keys) > 1 }

// In names the table with a level's closed rows.
func (r *Rollup) In(level archive.Level) string { return ClosedRows(r.Table, level) }

// SamplesIn returns the SQL expression of the number of samples in a raw row s.
func (r *Rollup) SamplesIn() string {
	set := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		set[i] = "(s." + c.Name + " IS NOT NULL)"
	}
	return strings.Join(set, " + ")
}

// Selected returns the columns of a level's table after Keys.
func (r *Rollup) Selected(level archive.Level) []string {
	names := []string{"ts", "samples"}
	if !r.IsNarrow() {
		names = append(names, "counts")
	}
	for _, c := range r.Columns {
		names = append(names, c.Stored(level)...)
	}
	return names
}

// endColumns returns the columns that the next hour or day starts from: the number
// of samples and each counter's last value.
func (r *Rollup) endColumns() string {
	names := []string{"samples"}
	for _, c := range r.Columns {
		if c.Counter {
			names = append(names, c.Name+"_last")
		}
	}
	return strings.Join(names, ", ")
}

// prepare writes the SQL statements.
func (r *Rollup) prepare() {
	series := strings.Join(r.Keys, " = ? AND ") + " = ?"
	raw := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		raw[i] = c.Name
	}
	r.Raw = "SELECT " + strings.Join(raw, ", ") + " FROM " + r.Table + "_cold WHERE " + series + " AND ts BETWEEN ? AND ? ORDER BY ts"
	r.Values = "SELECT ifnull(sum(" + r.SamplesIn() + "), 0) FROM " + r.Table + "_cold s WHERE " + series + " AND ts < ?"
	r.ValuesIn = strings.TrimSuffix(r.Values, "ts < ?") + "ts BETWEEN ? AND ?"
	r.RemoveIn = "DELETE FROM " + r.Table + "_cold WHERE " + series + " AND ts BETWEEN ? AND ?"
	r.MarkAt = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) SELECT DISTINCT 'hourly', ?, '" +
		r.Table + "', entity_id FROM " + r.Table + "_hot WHERE ts BETWEEN ? AND ?"
	r.MarkAll = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) SELECT 'hourly', ts - ts % 3600, '" +
		r.Table + "', entity_id FROM " + r.Table + "_cold UNION SELECT 'daily', ts - ts % 86400, '" + r.Table + "', entity_id FROM " + r.In(archive.Hourly)
	r.After = "SELECT ifnull(min(ts), 0) FROM " + r.In(archive.Hourly) + " WHERE " + series + " AND ts > ?"
	r.Oldest, r.Remove, r.Next = make(map[archive.Level]string), make(map[archive.Level]string), make(map[archive.Level]string)
	for _, level := range archive.Levels() {
		r.Oldest[level] = "SELECT ifnull(min(ts), 0) FROM " + r.In(level) + " WHERE " + series
		r.Remove[level] = "DELETE FROM " + r.In(level) + " WHERE " + series + " AND ts < ?"
		if r.IsNarrow() {
			r.Next[level] = "SELECT ifnull(min(metric_id), 0) FROM " + r.In(level) + " WHERE entity_id = ? AND metric_id > ?"
		}
	}
	r.At, r.Put = make(map[archive.Level]string), make(map[archive.Level]string)
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		columns := r.Selected(level)
		where := " FROM " + r.In(level) + " WHERE " + series
		r.At[level] = "SELECT " + r.endColumns() + where + " AND ts = ?"
		r.Put[level] = "REPLACE INTO " + r.In(level) + " (" + strings.Join(append(r.Keys[:len(r.Keys):len(r.Keys)], columns...), ", ") +
			") VALUES (?" + strings.Repeat(", ?", len(r.Keys)+len(columns)-1) + ")"
		if level == archive.Hourly {
			r.Before = "SELECT " + r.endColumns() + where + " AND ts < ? ORDER BY ts DESC LIMIT 1"
			r.Hours = "SELECT " + strings.Join(columns, ", ") + where + " AND ts >= ? AND ts < ? ORDER BY ts"
		}
	}
}

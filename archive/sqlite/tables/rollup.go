package tables

import (
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// Rollup is how the rows of one pair of tables are rolled up by the hour, and
// the hours by the day, one series at a time: an entity, and of the narrow
// tables one of its metrics.
type Rollup struct {
	Table   string      // without _hot or _cold
	Kind    schema.Kind // of its entities; zero for a labelled family, and for the narrow tables
	Whose   string      // the condition on its entities
	Keys    []string
	Columns []rolledColumn

	// Statements; the series is their first parameters. A row is what
	// [rollup.scan] reads, an ending what [roller.ending] does.
	Raw    string                   // from, to: the values of the cold rows, both ends included, in order
	MarkAt string                   // hour, from, to: the hot rows' entities become due
	Enlist string                   // the hours of all cold rows become due, and the days of all hourly ones
	Hours  string                   // from, before: the hourly rows
	Before string                   // hour: the ending of the last hourly row before it
	After  string                   // hour: when the first hourly row after it begins
	At     map[archive.Level]string // ts: the ending of the row
	Put    map[archive.Level]string // ts, and what [rollup.binds] gives

	Oldest map[archive.Level]string // the first ts
	Remove map[archive.Level]string // ts: the rows before it
	Values string                   // ts: how many samples are in the cold rows before it
	Next   map[archive.Level]string // of the narrow tables, entity and metric: the next metric that it has
}

// rolledColumn is a column that is rolled up.
type rolledColumn struct {
	Name           string
	Gauge, Counter bool // both, where nobody knows which
	Percentiles    bool
}

// Stored are the columns of the rollup of a level.
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

// Rollups returns the rollup of every pair of tables, by their name.
func (l Layout) Rollups() map[string]*Rollup {
	all := make(map[string]*Rollup)
	for _, t := range l.Tables {
		r := &Rollup{Table: t.Name, Kind: t.Kind, Whose: t.Owners(), Keys: []string{"entity_id"}}
		for _, m := range t.Metrics {
			c := rolledColumn{Name: m.Column(), Gauge: m.Type == schema.Gauge, Counter: m.Type == schema.Cumulative}
			c.Percentiles = archive.HasPercentiles(m)
			r.Columns = append(r.Columns, c)
		}
		r.prepare()
		all[t.Name] = r
	}
	narrow := &Rollup{Table: NarrowName, Whose: "1", Keys: []string{"entity_id", "metric_id"},
		Columns: []rolledColumn{{Name: "value", Gauge: true, Counter: true}}}
	narrow.prepare()
	all[NarrowName] = narrow
	return all
}

// Has reports whether rows of such an entity may be in the tables.
func (r *Rollup) Has(kind schema.Kind, labelled bool) bool {
	return r.IsNarrow() || labelled == (r.Kind == 0) && (labelled || r.Kind == kind)
}

// IsNarrow reports whether a series is of one metric.
func (r *Rollup) IsNarrow() bool { return len(r.Keys) > 1 }

// In names the table of a level.
func (r *Rollup) In(level archive.Level) string { return ClosedRows(r.Table, level) }

// Selected are the columns of a row, after its series.
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

// ending are the columns of an [ending].
func (r *Rollup) ending() string {
	names := []string{"samples"}
	for _, c := range r.Columns {
		if c.Counter {
			names = append(names, c.Name+"_last")
		}
	}
	return strings.Join(names, ", ")
}

func (r *Rollup) prepare() {
	series := strings.Join(r.Keys, " = ? AND ") + " = ?"
	raw := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		raw[i] = c.Name
	}
	r.Raw = "SELECT " + strings.Join(raw, ", ") + " FROM " + r.Table + "_cold WHERE " + series + " AND ts BETWEEN ? AND ? ORDER BY ts"
	r.Values = "SELECT ifnull(sum((" + strings.Join(raw, " IS NOT NULL) + (") + " IS NOT NULL)), 0) FROM " + r.Table + "_cold WHERE " + series + " AND ts < ?"
	r.MarkAt = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) SELECT DISTINCT 'hourly', ?, '" +
		r.Table + "', entity_id FROM " + r.Table + "_hot WHERE ts BETWEEN ? AND ?"
	r.Enlist = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) SELECT 'hourly', ts - ts % 3600, '" +
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
		r.At[level] = "SELECT " + r.ending() + where + " AND ts = ?"
		r.Put[level] = "REPLACE INTO " + r.In(level) + " (" + strings.Join(append(r.Keys[:len(r.Keys):len(r.Keys)], columns...), ", ") +
			") VALUES (?" + strings.Repeat(", ?", len(r.Keys)+len(columns)-1) + ")"
		if level == archive.Hourly {
			r.Before = "SELECT " + r.ending() + where + " AND ts < ? ORDER BY ts DESC LIMIT 1"
			r.Hours = "SELECT " + strings.Join(columns, ", ") + where + " AND ts >= ? AND ts < ? ORDER BY ts"
		}
	}
}

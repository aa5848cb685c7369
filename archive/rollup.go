package archive

import (
	"strings"

	"heapstash/archive/query"
	"heapstash/schema"
)

// rollup is how the rows of one pair of tables are rolled up by the hour, and
// the hours by the day, one series at a time: an entity, and of the narrow
// tables one of its metrics.
type rollup struct {
	table   string      // without _hot or _cold
	kind    schema.Kind // of its entities; zero for a labelled family, and for the narrow tables
	whose   string      // the condition on its entities
	keys    []string
	columns []rolledColumn

	// Statements; the series is their first parameters. A row is what
	// [rollup.scan] reads, an ending what [roller.ending] does.
	raw    string                  // from, to: the values of the cold rows, both ends included, in order
	markAt string                  // hour, from, to: the hot rows' entities become due
	enlist string                  // entity: the hours of its cold rows become due
	hours  string                  // from, before: the hourly rows
	before string                  // hour: the ending of the last hourly row before it
	after  string                  // hour: when the first hourly row after it begins
	at     map[schema.Level]string // ts: the ending of the row
	put    map[schema.Level]string // ts, and what [rollup.binds] gives

	oldest map[schema.Level]string // the first ts
	remove map[schema.Level]string // ts: the rows before it
	values string                  // ts: how many samples are in the cold rows before it
	next   map[schema.Level]string // of the narrow tables, entity and metric: the next metric that it has
}

// rollupVersion is the first version of the format that has rollups.
const rollupVersion = 2

// rolledColumn is a column that is rolled up.
type rolledColumn struct {
	name           string
	gauge, counter bool // both, where nobody knows which
	percentiles    bool
}

// stored are the columns of the rollup of a level.
func (c rolledColumn) stored(level schema.Level) (names []string) {
	suffixes := []string{}
	if c.gauge {
		suffixes = append(suffixes, "_min", "_max", "_sum")
	}
	if c.percentiles && level == schema.Hourly {
		suffixes = append(suffixes, "_p50", "_p95")
	}
	if c.counter {
		suffixes = append(suffixes, "_increase", "_last")
	}
	for _, suffix := range suffixes {
		names = append(names, c.name+suffix)
	}
	return names
}

// rollups returns the rollup of every pair of tables, by their name.
func (l layout) rollups() map[string]*rollup {
	all := make(map[string]*rollup)
	for _, t := range l.tables {
		r := &rollup{table: t.name, kind: t.kind, whose: t.owners(), keys: []string{"entity_id"}}
		for _, m := range t.metrics {
			c := rolledColumn{name: m.Column(), gauge: m.Type == schema.Gauge, counter: m.Type == schema.Cumulative}
			c.percentiles = query.HasPercentiles(m)
			r.columns = append(r.columns, c)
		}
		r.prepare()
		all[t.name] = r
	}
	narrow := &rollup{table: narrowName, whose: "1", keys: []string{"entity_id", "metric_id"},
		columns: []rolledColumn{{name: "value", gauge: true, counter: true}}}
	narrow.prepare()
	all[narrowName] = narrow
	return all
}

// has reports whether rows of such an entity may be in the tables.
func (r *rollup) has(kind schema.Kind, labelled bool) bool {
	return r.isNarrow() || labelled == (r.kind == 0) && (labelled || r.kind == kind)
}

// isNarrow reports whether a series is of one metric.
func (r *rollup) isNarrow() bool { return len(r.keys) > 1 }

// in names the table of a level.
func (r *rollup) in(level schema.Level) string { return closedRows(r.table, level) }

// selected are the columns of a row, after its series.
func (r *rollup) selected(level schema.Level) []string {
	names := []string{"ts", "samples"}
	if !r.isNarrow() {
		names = append(names, "counts")
	}
	for _, c := range r.columns {
		names = append(names, c.stored(level)...)
	}
	return names
}

// ending are the columns of an [ending].
func (r *rollup) ending() string {
	names := []string{"samples"}
	for _, c := range r.columns {
		if c.counter {
			names = append(names, c.name+"_last")
		}
	}
	return strings.Join(names, ", ")
}

func (r *rollup) prepare() {
	series := strings.Join(r.keys, " = ? AND ") + " = ?"
	raw := make([]string, len(r.columns))
	for i, c := range r.columns {
		raw[i] = c.name
	}
	r.raw = "SELECT " + strings.Join(raw, ", ") + " FROM " + r.table + "_cold WHERE " + series + " AND ts BETWEEN ? AND ? ORDER BY ts"
	r.values = "SELECT ifnull(sum((" + strings.Join(raw, " IS NOT NULL) + (") + " IS NOT NULL)), 0) FROM " + r.table + "_cold WHERE " + series + " AND ts < ?"
	r.markAt = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) SELECT DISTINCT 'hourly', ?, '" +
		r.table + "', entity_id FROM " + r.table + "_hot WHERE ts BETWEEN ? AND ?"
	r.enlist = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) SELECT DISTINCT 'hourly', ts - ts % 3600, '" +
		r.table + "', entity_id FROM " + r.table + "_cold WHERE entity_id = ?"
	r.after = "SELECT ifnull(min(ts), 0) FROM " + r.in(schema.Hourly) + " WHERE " + series + " AND ts > ?"
	r.oldest, r.remove, r.next = make(map[schema.Level]string), make(map[schema.Level]string), make(map[schema.Level]string)
	for _, level := range schema.Levels() {
		r.oldest[level] = "SELECT ifnull(min(ts), 0) FROM " + r.in(level) + " WHERE " + series
		r.remove[level] = "DELETE FROM " + r.in(level) + " WHERE " + series + " AND ts < ?"
		if r.isNarrow() {
			r.next[level] = "SELECT ifnull(min(metric_id), 0) FROM " + r.in(level) + " WHERE entity_id = ? AND metric_id > ?"
		}
	}
	r.at, r.put = make(map[schema.Level]string), make(map[schema.Level]string)
	for _, level := range []schema.Level{schema.Hourly, schema.Daily} {
		columns := r.selected(level)
		where := " FROM " + r.in(level) + " WHERE " + series
		r.at[level] = "SELECT " + r.ending() + where + " AND ts = ?"
		r.put[level] = "REPLACE INTO " + r.in(level) + " (" + strings.Join(append(r.keys[:len(r.keys):len(r.keys)], columns...), ", ") +
			") VALUES (?" + strings.Repeat(", ?", len(r.keys)+len(columns)-1) + ")"
		if level == schema.Hourly {
			r.before = "SELECT " + r.ending() + where + " AND ts < ? ORDER BY ts DESC LIMIT 1"
			r.hours = "SELECT " + strings.Join(columns, ", ") + where + " AND ts >= ? AND ts < ? ORDER BY ts"
		}
	}
}

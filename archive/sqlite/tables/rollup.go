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
	raw := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		raw[i] = c.Name
	}
	fill := func(text string, level archive.Level) string {
		columns := r.Selected(level)
		return Fill(text, "CLOSED", r.In(level), "HOURS", r.In(archive.Hourly), "TABLE", r.Table, "SERIES", strings.Join(r.Keys, " = ? AND ")+" = ?",
			"KEYS", strings.Join(r.Keys, ", "), "METRICS", strings.Join(raw, ", "), "COLUMNS", strings.Join(columns, ", "),
			"MARKS", "?"+strings.Repeat(", ?", len(r.Keys)+len(columns)-1), "END", r.endColumns(), "SAMPLES", r.SamplesIn())
	}
	const due = "INSERT OR IGNORE INTO rollup_due (level, ts, table_name, entity_id) "
	r.Raw = fill("SELECT METRICS FROM TABLE_cold WHERE SERIES AND ts BETWEEN ? AND ? ORDER BY ts", archive.Raw)
	r.Values = fill("SELECT ifnull(sum(SAMPLES), 0) FROM TABLE_cold s WHERE SERIES AND ts < ?", archive.Raw)
	r.ValuesIn = fill("SELECT ifnull(sum(SAMPLES), 0) FROM TABLE_cold s WHERE SERIES AND ts BETWEEN ? AND ?", archive.Raw)
	r.RemoveIn = fill("DELETE FROM TABLE_cold WHERE SERIES AND ts BETWEEN ? AND ?", archive.Raw)
	r.MarkAt = fill(due+"SELECT DISTINCT 'hourly', ?, 'TABLE', entity_id FROM TABLE_hot WHERE ts BETWEEN ? AND ?", archive.Raw)
	r.MarkAll = fill(due+"SELECT 'hourly', ts - ts % 3600, 'TABLE', entity_id FROM TABLE_cold"+
		" UNION SELECT 'daily', ts - ts % 86400, 'TABLE', entity_id FROM HOURS", archive.Raw)
	r.After = fill("SELECT ifnull(min(ts), 0) FROM HOURS WHERE SERIES AND ts > ?", archive.Hourly)
	r.Before = fill("SELECT END FROM HOURS WHERE SERIES AND ts < ? ORDER BY ts DESC LIMIT 1", archive.Hourly)
	r.Hours = fill("SELECT COLUMNS FROM HOURS WHERE SERIES AND ts >= ? AND ts < ? ORDER BY ts", archive.Hourly)
	byLevel := func(text string, levels ...archive.Level) map[archive.Level]string {
		texts := make(map[archive.Level]string)
		for _, level := range levels {
			texts[level] = fill(text, level)
		}
		return texts
	}
	r.Oldest = byLevel("SELECT ifnull(min(ts), 0) FROM CLOSED WHERE SERIES", archive.Levels()...)
	r.Remove = byLevel("DELETE FROM CLOSED WHERE SERIES AND ts < ?", archive.Levels()...)
	r.At = byLevel("SELECT END FROM CLOSED WHERE SERIES AND ts = ?", archive.Hourly, archive.Daily)
	r.Put = byLevel("REPLACE INTO CLOSED (KEYS, COLUMNS) VALUES (MARKS)", archive.Hourly, archive.Daily)
	if r.IsNarrow() {
		r.Next = byLevel("SELECT ifnull(min(metric_id), 0) FROM CLOSED WHERE entity_id = ? AND metric_id > ?", archive.Levels()...)
	}
}

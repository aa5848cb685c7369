package tables

import (
	"strings"

	"heapstash/schema"
)

// Table is a pair of wide tables: passes append to <name>_hot, which is in time
// order; <name>_cold is in entity order.
type Table struct {
	Name    string
	Kind    schema.Kind   // of the entities; zero for a labelled family
	Family  schema.Family // empty for a kind's own table
	Metrics []schema.Metric
	column  map[schema.MetricName]int // index into Metrics

	// SQL statements, each with its parameters in order. Their identifiers come
	// from the registry only.
	HotAt       string // ts: entity_id and metrics of the hot rows at ts
	ColdAt      string // entity_id, ts: metrics of the cold row
	ReplaceHot  string // ts, entity_id, metrics
	ReplaceCold string // entity_id, ts, metrics
	Oldest      string // the oldest hot ts
	Move        string // from, to, both included: copies hot rows into cold
	Evict       string // from, to, both included: deletes hot rows
	HotEntities string // the entity_id of every hot row
}

// NewTable returns the table with its SQL statements.
func NewTable(name string, kind schema.Kind, family schema.Family, metrics []schema.Metric) *Table {
	t := &Table{Name: name, Kind: kind, Family: family, Metrics: metrics, column: make(map[schema.MetricName]int)}
	names := make([]string, len(metrics))
	for i, m := range metrics {
		t.column[m.Name] = i
		names[i] = m.Column()
	}
	columns := strings.Join(names, ", ")
	parameters := strings.Repeat(", ?", len(metrics))
	t.HotAt = "SELECT entity_id, " + columns + " FROM " + name + "_hot WHERE ts = ?"
	t.ColdAt = "SELECT " + columns + " FROM " + name + "_cold WHERE entity_id = ? AND ts = ?"
	t.ReplaceHot = "REPLACE INTO " + name + "_hot (ts, entity_id, " + columns + ") VALUES (?, ?" + parameters + ")"
	t.ReplaceCold = "REPLACE INTO " + name + "_cold (entity_id, ts, " + columns + ") VALUES (?, ?" + parameters + ")"
	t.Oldest = "SELECT ifnull(min(ts), 0) FROM " + name + "_hot"
	t.Move = "INSERT INTO " + name + "_cold (entity_id, ts, " + columns + ") SELECT entity_id, ts, " + columns +
		" FROM " + name + "_hot WHERE ts BETWEEN ? AND ? ORDER BY entity_id, ts"
	t.Evict = "DELETE FROM " + name + "_hot WHERE ts BETWEEN ? AND ?"
	t.HotEntities = "SELECT DISTINCT entity_id FROM " + name + "_hot"
	return t
}

// The narrow pair of tables has the samples of metrics without a column.
const (
	NarrowName        = "narrow"
	NarrowHotAt       = `SELECT value FROM narrow_hot WHERE ts = ? AND entity_id = ? AND metric_id = ?`
	NarrowColdAt      = `SELECT value FROM narrow_cold WHERE ts = ? AND entity_id = ? AND metric_id = ?`
	ReplaceNarrowHot  = `REPLACE INTO narrow_hot (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)`
	ReplaceNarrowCold = `REPLACE INTO narrow_cold (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)`
	NarrowOldest      = `SELECT ifnull(min(ts), 0) FROM narrow_hot`
	MoveNarrow        = `INSERT INTO narrow_cold (entity_id, metric_id, ts, value) ` +
		`SELECT entity_id, metric_id, ts, value FROM narrow_hot WHERE ts BETWEEN ? AND ? ORDER BY entity_id, metric_id, ts`
	EvictNarrow       = `DELETE FROM narrow_hot WHERE ts BETWEEN ? AND ?`
	HotNarrowEntities = `SELECT DISTINCT entity_id FROM narrow_hot`
)

// Layout has every wide table.
type Layout struct {
	Tables   []*Table
	byKind   map[schema.Kind]*Table
	byFamily map[schema.MetricName]*Table
}

// NewLayout returns the tables of the registry's kinds and families.
func NewLayout() Layout {
	l := Layout{
		byKind:   make(map[schema.Kind]*Table),
		byFamily: make(map[schema.MetricName]*Table),
	}
	for _, k := range schema.Kinds() {
		t := NewTable(k.String(), k, schema.Unlabelled, schema.MetricsOf(k))
		l.Tables = append(l.Tables, t)
		l.byKind[k] = t
	}
	for _, f := range schema.Families() {
		t := NewTable(string(f), 0, f, schema.MetricsOfFamily(f))
		l.Tables = append(l.Tables, t)
		for _, m := range t.Metrics {
			l.byFamily[m.Name] = t
		}
	}
	return l
}

// Find returns the wide table and the column index that store an entity's metric,
// or nil if the narrow tables store it.
func (l Layout) Find(e schema.Entity, m schema.MetricName) (*Table, int) {
	t := l.byKind[e.Kind]
	if e.Labels != "" {
		t = l.byFamily[m]
	}
	if t == nil {
		return nil, 0
	}
	column, ok := t.column[m]
	if !ok {
		return nil, 0
	}
	return t, column
}

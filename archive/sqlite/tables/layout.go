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
	At          map[Tier]string // ts, entity_id: metrics of the row
	Replace     map[Tier]string // ts, entity_id, metrics
	HotAt       string          // ts: entity_id and metrics of the hot rows at ts
	Oldest      string          // the oldest hot ts
	Move        string          // from, to, both included: copies hot rows into cold
	Evict       string          // from, to, both included: deletes hot rows
	HotEntities string          // the entity_id of every hot row
}

// NewTable returns the table with its SQL statements.
func NewTable(name string, kind schema.Kind, family schema.Family, metrics []schema.Metric) *Table {
	t := &Table{Name: name, Kind: kind, Family: family, Metrics: metrics, column: make(map[schema.MetricName]int)}
	names := make([]string, len(metrics))
	for i, m := range metrics {
		t.column[m.Name] = i
		names[i] = m.Column()
	}
	fill := strings.NewReplacer("NAME", name, "METRICS", strings.Join(names, ", "), "VALUES", "VALUES (?, ?"+strings.Repeat(", ?", len(names))+")").Replace
	t.At, t.Replace = make(map[Tier]string), make(map[Tier]string)
	for _, tier := range []Tier{Hot, Cold} {
		t.At[tier] = fill("SELECT METRICS FROM NAME_" + string(tier) + " WHERE ts = ? AND entity_id = ?")
		t.Replace[tier] = fill("REPLACE INTO NAME_" + string(tier) + " (ts, entity_id, METRICS) VALUES")
	}
	t.HotAt = fill("SELECT entity_id, METRICS FROM NAME_hot WHERE ts = ?")
	t.Oldest = fill("SELECT ifnull(min(ts), 0) FROM NAME_hot")
	t.Move = fill("INSERT INTO NAME_cold (entity_id, ts, METRICS) SELECT entity_id, ts, METRICS FROM NAME_hot WHERE ts BETWEEN ? AND ? ORDER BY entity_id, ts")
	t.Evict = fill("DELETE FROM NAME_hot WHERE ts BETWEEN ? AND ?")
	t.HotEntities = fill("SELECT DISTINCT entity_id FROM NAME_hot")
	return t
}

// The narrow pair of tables has the samples of metrics without a column.
const (
	NarrowName   = "narrow"
	NarrowOldest = `SELECT ifnull(min(ts), 0) FROM narrow_hot`
	MoveNarrow   = `INSERT INTO narrow_cold (entity_id, metric_id, ts, value) ` +
		`SELECT entity_id, metric_id, ts, value FROM narrow_hot WHERE ts BETWEEN ? AND ? ORDER BY entity_id, metric_id, ts`
	EvictNarrow       = `DELETE FROM narrow_hot WHERE ts BETWEEN ? AND ?`
	HotNarrowEntities = `SELECT DISTINCT entity_id FROM narrow_hot`
)

// NarrowAt has the SQL of a sample's value, with the parameters ts, entity_id and
// metric_id.
func NarrowAt(tier Tier) string {
	return "SELECT value FROM narrow_" + string(tier) + " WHERE ts = ? AND entity_id = ? AND metric_id = ?"
}

// ReplaceNarrow has the SQL that stores a sample: ts, entity_id, metric_id, value.
func ReplaceNarrow(tier Tier) string {
	return "REPLACE INTO narrow_" + string(tier) + " (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)"
}

// TierOf returns the tier of a row by its time: rows up to moved are cold.
func TierOf(at, moved schema.Instant) Tier {
	if at <= moved {
		return Cold
	}
	return Hot
}

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

// Names returns the names of all pairs of tables, without _hot and _cold.
func (l Layout) Names() []string {
	names := []string{NarrowName}
	for _, t := range l.Tables {
		names = append(names, t.Name)
	}
	return names
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

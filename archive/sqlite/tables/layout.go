// Package tables makes tables, columns, statements and views from the registry, and says
// what views mean. It opens no archive.
package tables

import (
	"slices"
	"strings"

	"heapstash/schema"
)

// Pair is a pair of tables: passes append to <name>_hot, which is in time order;
// <name>_cold is in entity order.
type Pair struct {
	Name string

	// SQL statements, each with its parameters in order. A key is ts and entity_id, and in
	// narrow tables metric_id. Identifiers come from the registry only.
	At          map[Tier]string // key: values of the row
	Replace     map[Tier]string // key, values
	HotAt       string          // ts: entity_id and values of the hot rows at ts
	Oldest      string          // the oldest hot ts
	Move        string          // from, to, both included: copies hot rows into cold
	Evict       string          // from, to, both included: deletes hot rows
	HotEntities string          // the entity_id of every hot row, and 1
}

func newPair(name string, key, values []string) Pair {
	columns := append(slices.Clone(key), values...)
	fill := func(text string) string {
		return Fill(text, "NAME", name, "METRICS", strings.Join(values, ", "), "COLUMNS", strings.Join(columns, ", "),
			"KEY", strings.Join(key, " = ? AND ")+" = ?", "MARKS", "?"+strings.Repeat(", ?", len(columns)-1),
			"SORT", strings.Join(append(slices.Clone(key[1:]), "ts"), ", "))
	}
	p := Pair{Name: name, At: make(map[Tier]string), Replace: make(map[Tier]string)}
	for _, tier := range []Tier{Hot, Cold} {
		p.At[tier] = fill("SELECT METRICS FROM NAME_" + string(tier) + " WHERE KEY")
		p.Replace[tier] = fill("REPLACE INTO NAME_" + string(tier) + " (COLUMNS) VALUES (MARKS)")
	}
	p.HotAt = fill("SELECT entity_id, METRICS FROM NAME_hot WHERE ts = ?")
	p.Oldest = fill("SELECT ifnull(min(ts), 0) FROM NAME_hot")
	p.Move = fill("INSERT INTO NAME_cold (COLUMNS) SELECT COLUMNS FROM NAME_hot WHERE ts BETWEEN ? AND ? ORDER BY SORT")
	p.Evict = fill("DELETE FROM NAME_hot WHERE ts BETWEEN ? AND ?")
	p.HotEntities = fill("SELECT DISTINCT entity_id, 1 FROM NAME_hot")
	return p
}

// Table is a pair of wide tables.
type Table struct {
	Pair
	Kind    schema.Kind   // of the entities; zero for a labelled family
	Family  schema.Family // empty for a kind's own table
	Metrics []schema.Metric
	column  map[schema.MetricName]int // index into Metrics
}

func newTable(name string, kind schema.Kind, family schema.Family, metrics []schema.Metric) *Table {
	t := &Table{Kind: kind, Family: family, Metrics: metrics, column: make(map[schema.MetricName]int)}
	names := make([]string, len(metrics))
	for i, m := range metrics {
		t.column[m.Name] = i
		names[i] = m.Column()
	}
	t.Pair = newPair(name, []string{"ts", "entity_id"}, names)
	return t
}

// NarrowName is the name of the narrow pair of tables, which has the samples of metrics
// without a column.
const NarrowName = "narrow"

// TierOf returns the tier of a row by its time: rows up to moved are cold.
func TierOf(at, moved schema.Instant) Tier {
	if at <= moved {
		return Cold
	}
	return Hot
}

// Layout has every wide table, and the narrow ones.
type Layout struct {
	Tables   []*Table
	Narrow   Pair
	byKind   map[schema.Kind]*Table
	byFamily map[schema.MetricName]*Table
}

// NewLayout returns the tables of the registry's kinds and families.
func NewLayout() Layout {
	l := Layout{
		Narrow:   newPair(NarrowName, []string{"ts", "entity_id", "metric_id"}, []string{"value"}),
		byKind:   make(map[schema.Kind]*Table),
		byFamily: make(map[schema.MetricName]*Table),
	}
	for _, k := range schema.Kinds() {
		t := newTable(k.String(), k, schema.Unlabelled, schema.MetricsOf(k))
		l.Tables = append(l.Tables, t)
		l.byKind[k] = t
	}
	for _, f := range schema.Families() {
		t := newTable(string(f), 0, f, schema.MetricsOfFamily(f))
		l.Tables = append(l.Tables, t)
		for _, m := range t.Metrics {
			l.byFamily[m.Name] = t
		}
	}
	return l
}

// Pairs returns all pairs of tables.
func (l Layout) Pairs() []Pair {
	var pairs []Pair
	for _, t := range l.Tables {
		pairs = append(pairs, t.Pair)
	}
	return append(pairs, l.Narrow)
}

// Find returns the wide table and the column index that store an entity's metric,
// or nil if the narrow tables store it.
func (l Layout) Find(e schema.Entity, m schema.MetricName) (*Table, int) {
	t := l.byKind[e.Kind]
	if e.Labels != "" {
		t = l.byFamily[m]
	}
	if t != nil {
		if column, ok := t.column[m]; ok {
			return t, column
		}
	}
	return nil, 0
}

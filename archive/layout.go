package archive

import (
	"strings"

	"heapstash/schema"
)

// table is one pair of wide tables: <name>_hot in time order, which passes
// append to, and <name>_cold in entity order.
type table struct {
	name    string
	kind    schema.Kind   // of its entities; zero for a labelled family
	family  schema.Family // empty for a kind's own table
	metrics []schema.Metric
	column  map[schema.MetricName]int // index into metrics

	// Statements. Their parameters are in the order of the columns named in
	// each; identifiers come from the registry alone.
	hotAt       string // ts: entity_id and the metrics of every hot row then
	coldAt      string // entity_id, ts: the metrics of one cold row
	replaceHot  string // ts, entity_id, the metrics
	replaceCold string // entity_id, ts, the metrics
	oldest      string // the oldest hot ts
	move        string // from, to: hot rows into cold, both ends included
	evict       string // from, to: out of hot

	hotEntities string // the entity_ids in hot
}

func newTable(name string, kind schema.Kind, family schema.Family, metrics []schema.Metric) *table {
	t := &table{name: name, kind: kind, family: family, metrics: metrics, column: make(map[schema.MetricName]int)}
	names := make([]string, len(metrics))
	for i, m := range metrics {
		t.column[m.Name] = i
		names[i] = m.Column()
	}
	columns := strings.Join(names, ", ")
	parameters := strings.Repeat(", ?", len(metrics))
	t.hotAt = "SELECT entity_id, " + columns + " FROM " + name + "_hot WHERE ts = ?"
	t.coldAt = "SELECT " + columns + " FROM " + name + "_cold WHERE entity_id = ? AND ts = ?"
	t.replaceHot = "REPLACE INTO " + name + "_hot (ts, entity_id, " + columns + ") VALUES (?, ?" + parameters + ")"
	t.replaceCold = "REPLACE INTO " + name + "_cold (entity_id, ts, " + columns + ") VALUES (?, ?" + parameters + ")"
	t.oldest = "SELECT ifnull(min(ts), 0) FROM " + name + "_hot"
	t.move = "INSERT INTO " + name + "_cold (entity_id, ts, " + columns + ") SELECT entity_id, ts, " + columns +
		" FROM " + name + "_hot WHERE ts BETWEEN ? AND ? ORDER BY entity_id, ts"
	t.evict = "DELETE FROM " + name + "_hot WHERE ts BETWEEN ? AND ?"
	t.hotEntities = "SELECT DISTINCT entity_id FROM " + name + "_hot"
	return t
}

// The narrow pair holds every sample without a column.
const (
	narrowName        = "narrow"
	narrowHotAt       = `SELECT value FROM narrow_hot WHERE ts = ? AND entity_id = ? AND metric_id = ?`
	narrowColdAt      = `SELECT value FROM narrow_cold WHERE ts = ? AND entity_id = ? AND metric_id = ?`
	replaceNarrowHot  = `REPLACE INTO narrow_hot (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)`
	replaceNarrowCold = `REPLACE INTO narrow_cold (ts, entity_id, metric_id, value) VALUES (?, ?, ?, ?)`
	narrowOldest      = `SELECT ifnull(min(ts), 0) FROM narrow_hot`
	moveNarrow        = `INSERT INTO narrow_cold (entity_id, metric_id, ts, value) ` +
		`SELECT entity_id, metric_id, ts, value FROM narrow_hot WHERE ts BETWEEN ? AND ? ORDER BY entity_id, metric_id, ts`
	evictNarrow       = `DELETE FROM narrow_hot WHERE ts BETWEEN ? AND ?`
	hotNarrowEntities = `SELECT DISTINCT entity_id FROM narrow_hot`
)

// layout is every wide table, by what is stored in it.
type layout struct {
	tables   []*table
	byKind   map[schema.Kind]*table
	byFamily map[schema.MetricName]*table
}

func newLayout() layout {
	l := layout{
		byKind:   make(map[schema.Kind]*table),
		byFamily: make(map[schema.MetricName]*table),
	}
	for _, k := range schema.Kinds() {
		t := newTable(k.String(), k, schema.Unlabelled, schema.MetricsOf(k))
		l.tables = append(l.tables, t)
		l.byKind[k] = t
	}
	for _, f := range schema.Families() {
		t := newTable(string(f), 0, f, schema.MetricsOfFamily(f))
		l.tables = append(l.tables, t)
		for _, m := range t.metrics {
			l.byFamily[m.Name] = t
		}
	}
	return l
}

// place tells where a metric of an entity is stored: a wide table and the
// index of its column, or nil for the narrow one.
func (l layout) place(e schema.Entity, m schema.MetricName) (*table, int) {
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

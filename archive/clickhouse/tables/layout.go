package tables

import (
	"strings"

	"heapstash/schema"
)

// Layout has every table.
type Layout struct {
	// Wide has the tables with a column per metric: one for each kind and labelled
	// family.
	Wide []*Table
	// Narrow has a row for each sample that has no column, or does not fit its type.
	Narrow *Table
	// The other tables.
	Entity, Carried, PodIdentity, NamespaceLabel, NamespaceID *Table // what is known
	Watermark, Asked, ClusterState                            *Table // what the next pass reads
	Pass, Hole, Conflict                                      *Table // the ledger
	Metric, Setting                                           *Table

	byKind   map[schema.Kind]*Table
	byFamily map[schema.MetricName]*Table
}

const conflictName = "conflict"

// NewLayout returns the tables of the registry's kinds and families.
func NewLayout() Layout {
	l := Layout{byKind: make(map[schema.Kind]*Table), byFamily: make(map[schema.MetricName]*Table)}
	for _, k := range schema.Kinds() {
		t := newWide(k.String(), texts(append([]string{"cluster"}, k.NameColumns()...)...), schema.MetricsOf(k))
		t.Kind, l.byKind[k] = k, t
		l.Wide = append(l.Wide, t)
	}
	for _, f := range schema.Families() {
		t := newWide(string(f), entityColumns(), schema.MetricsOfFamily(f))
		t.Family = f
		for _, m := range t.Metrics {
			l.byFamily[m.Name] = t
		}
		l.Wide = append(l.Wide, t)
	}
	ts := Column{"ts", integer}
	metric := Column{"metric", text}
	l.Narrow = &Table{
		// The metric is near the front, because most questions name one.
		Name: "narrow", Key: append(append(texts("cluster", "metric"), entityColumns()[1:]...), ts),
		Values:    []Column{{"integer", maybeInteger}, {"float", maybeFloat}},
		shardedBy: names(entityColumns()), byMonth: true,
	}

	state := func(name string, key, values []Column) *Table {
		return &Table{Name: name, Key: key, Values: values, shardedBy: []string{key[0].Name}}
	}
	scope := texts("cluster", "kind", "name", "part")
	l.Entity = state("entity", entityColumns(), columnsOf(integer, "first_seen last_seen"))
	l.Carried = state("carried", append(entityColumns(), metric), nil)
	l.PodIdentity = state("pod_identity", texts("cluster", "namespace", "pod", "uid"),
		append(texts("node", "labels", "images", "owner_kind", "owner"), columnsOf(integer, "valid_from valid_to")...))
	l.NamespaceLabel = state("namespace_label", append(texts("cluster", "namespace"), Column{"valid_from", integer}),
		append(texts("labels"), Column{"valid_to", integer}))
	l.NamespaceID = state("namespace_id", texts("cluster", "id"), texts("namespace"))
	l.Watermark = state("watermark", scope, []Column{ts})
	l.Asked = state("asked", append(scope, metric), nil)
	l.ClusterState = state("cluster_state", texts("cluster"), columnsOf(integer, "horizon newest"))
	l.Pass = state("pass", append(columnsOf(integer, "id"), texts("process")...), passColumns())
	l.Hole = state(
		"hole", append(append(append(columnsOf(integer, "pass"), entityColumns()...), texts("metric", "cause", "detail")...), columnsOf(integer, "from_ts to_ts lasting")...), nil)
	l.Conflict = state(conflictName, append(append(entityColumns(), metric), ts), append(columnsOf(maybeInteger, "kept_integer refused_integer"),
		append(columnsOf(maybeFloat, "kept_float refused_float"), Column{"pass", integer})...))
	l.Conflict.byMonth, l.Conflict.shardedBy = true, names(entityColumns())
	l.Metric = state("metric", texts("name"), texts("column_name", "unit", "type", "description"))
	l.Setting = state("setting", texts("name"), texts("value"))
	return l
}

// passColumns are the columns of a pass. One that is not known yet is NULL.
func passColumns() []Column {
	columns := append(texts("cluster", "version", "outcome", "error"), columnsOf(integer, "started alive samples_new samples_duplicate conflicts")...)
	return append(columns, columnsOf(maybeInteger, "finished duration_ms requests bytes entities newest horizon gap_seconds")...)
}

func newWide(name string, key []Column, metrics []schema.Metric) *Table {
	t := &Table{Name: name, Key: append(key, Column{"ts", integer}), Metrics: metrics, shardedBy: names(key), byMonth: true, column: make(map[schema.MetricName]int), bits: bitsOf(metrics)}
	for i, m := range metrics {
		t.column[m.Name] = i
		column := Column{m.Column(), maybeInteger}
		if m.IsFloat() {
			column.Type = maybeFloat
		}
		t.Values = append(t.Values, column)
	}
	return t
}

// Tables returns all tables.
func (l Layout) Tables() []*Table {
	return append(append([]*Table{}, l.Wide...), l.Narrow, l.Entity, l.Carried, l.PodIdentity, l.NamespaceLabel, l.NamespaceID,
		l.Watermark, l.Asked, l.ClusterState, l.Pass, l.Hole, l.Conflict, l.Metric, l.Setting)
}

// Find returns the wide table and the index in [Table.Metrics] of an entity's metric, or
// nil if the metric has no column.
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

func joined(columns []string) string { return strings.Join(columns, ", ") }

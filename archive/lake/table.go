package lake

import (
	"reflect"
	"strings"
	"sync"

	"github.com/parquet-go/parquet-go"

	"heapstash/schema"
)

// Narrow is the name of the table with a row for each sample.
const Narrow = "narrow"

// table describes the files of a kind=NAME directory.
type table struct {
	name    string
	family  schema.Family // of labelled families
	narrow  bool
	names   []string // columns with names, in the order of [Row.Compare]
	labels  []string // columns with the values of a family's labels
	metrics []schema.Metric
	columns map[schema.MetricName]int // index into metrics
	ratios  []ratio                   // by metric; zero for other metrics
	schema  *parquet.Schema
}

// ratio is a metric that Heapster's model API cuts: it is the quotient of two cells.
type ratio struct {
	is          bool
	part, whole int
}

// exact returns the ratio of a row, if the row has its parts.
func (r ratio) exact(cells []Cell) (float64, bool) {
	part, whole := cells[r.part], cells[r.whole]
	if !part.Set || !whole.Set || whole.Value.Float64() == 0 {
		return 0, false
	}
	return part.Value.Float64() / whole.Value.Float64(), true
}

// allNames are the columns of the names of any entity, in the order of [Row.Compare].
var allNames = []string{"entity_kind", "namespace", "pod", "container", "node", "labels"}

// layout has the tables of the registry.
type layout struct {
	tables   []*table
	byName   map[string]*table
	byFamily map[schema.MetricName]*table
}

var layoutOf = sync.OnceValue(func() *layout {
	l := &layout{byName: make(map[string]*table), byFamily: make(map[schema.MetricName]*table)}
	for _, kind := range schema.Kinds() {
		own := kind.NameColumns()
		var names []string
		for _, name := range allNames {
			for _, column := range own {
				if column == name {
					names = append(names, name)
				}
			}
		}
		l.add(&table{name: kind.String(), names: names, metrics: schema.MetricsOf(kind)})
	}
	for _, family := range schema.Families() {
		t := &table{name: string(family), family: family, names: allNames, labels: family.LabelKeys(), metrics: schema.MetricsOfFamily(family)}
		l.add(t)
		for _, m := range t.metrics {
			l.byFamily[m.Name] = t
		}
	}
	l.add(&table{name: Narrow, narrow: true, names: allNames, metrics: []schema.Metric{{Name: "value"}}})
	return l
})

func (l *layout) add(t *table) {
	t.columns = make(map[schema.MetricName]int)
	for i, m := range t.metrics {
		t.columns[m.Name] = i
	}
	for _, m := range t.metrics {
		part, hasPart := t.columns[m.Part]
		whole, hasWhole := t.columns[m.Whole]
		t.ratios = append(t.ratios, ratio{hasPart && hasWhole, part, whole})
	}
	t.schema = t.parquetSchema()
	l.tables = append(l.tables, t)
	l.byName[t.name] = t
}

// find returns the table and the cell of an entity's metric.
func (l *layout) find(e schema.Entity, m schema.MetricName) (*table, int) {
	t := l.byName[e.Kind.String()]
	if e.Labels != "" {
		t = l.byFamily[m]
	}
	if t != nil {
		if cell, ok := t.columns[m]; ok {
			return t, cell
		}
	}
	return l.byName[Narrow], 0
}

// metricOf returns the metric of a row's cell.
func (t *table) metricOf(r Row, cell int) schema.MetricName {
	if t.narrow {
		return r.Metric
	}
	return t.metrics[cell].Name
}

// The columns of a file: names, labels, in narrow the metric, ts, time, and two columns
// for each metric.

func (t *table) tsColumn() int {
	n := len(t.names) + len(t.labels)
	if t.narrow {
		n++
	}
	return n
}

// cellColumn returns the index of a metric's INT64 column. The DOUBLE column follows.
func (t *table) cellColumn(cell int) int { return t.tsColumn() + 2 + 2*cell }

// parquetSchema builds the schema from a struct type, which keeps the columns in order.
func (t *table) parquetSchema() *parquet.Schema {
	var fields []reflect.StructField
	add := func(kind any, tag ...string) {
		fields = append(fields, reflect.StructField{
			Name: "C" + strings.Repeat("x", len(fields)), Type: reflect.TypeOf(kind),
			Tag: reflect.StructTag(`parquet:"` + strings.Join(tag, ",") + `"`),
		})
	}
	for _, name := range t.names {
		if t.mixed() && name != "entity_kind" {
			add("", name, "optional", "dict")
		} else {
			add("", name, "dict")
		}
	}
	for _, name := range t.labels {
		add("", name, "optional", "dict")
	}
	if t.narrow {
		add("", "metric", "dict")
	}
	add(int64(0), "ts", "delta")
	add(int64(0), "time", "timestamp(millisecond)", "delta")
	for _, m := range t.metrics {
		add(int64(0), m.Column(), "optional", "delta")
		add(float64(0), m.Column()+"_float", "optional")
	}
	return parquet.NewSchema(t.name, parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface()))
}

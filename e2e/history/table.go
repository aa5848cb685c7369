package history

import (
	"database/sql/driver"
	"math"
	"strings"

	"heapstash/schema"
)

// table is where the rows of a kind go.
type table struct {
	columns []column
	values  []int64 // of the set that was read last, by column; none for no value
	// Statements that insert a row.
	cold, hot, hourly, daily string
}

// column is a column that the tables of a kind have.
type column struct {
	metric schema.MetricName
	name   string
	// gauge decides how it is rolled up. Only hours have percentiles.
	gauge, percentiles bool
}

// none stands for no value.
const none = math.MinInt64

func newTable(kind schema.Kind) *table {
	t := &table{}
	raw := []string{"entity_id", "ts"}
	for _, m := range schema.MetricsOf(kind) {
		c := column{metric: m.Name, name: m.Column(), gauge: m.Type == schema.Gauge}
		c.percentiles = c.name == "cpu_usage_rate" || c.name == "memory_working_set"
		t.columns = append(t.columns, c)
		raw = append(raw, c.name)
	}
	t.values = make([]int64, len(t.columns))
	t.cold = insert(kind.String()+"_cold", raw)
	t.hot = insert(kind.String()+"_hot", raw)
	t.hourly = insert(kind.String()+"_hour", t.rolled(true))
	t.daily = insert(kind.String()+"_day", t.rolled(false))
	return t
}

// read reads the values of a set. The model API cuts floats to integers.
func (t *table) read(set map[schema.MetricName]schema.Value) {
	for i, c := range t.columns {
		t.values[i] = none
		if v, there := set[c.metric]; there {
			whole, is := v.Int64()
			if !is {
				whole = int64(v.Float64())
			}
			t.values[i] = whole
		}
	}
}

// rolled are the columns of a rollup, in the order of [rollup.cells].
func (t *table) rolled(hourly bool) []string {
	names := []string{"entity_id", "ts", "samples", "counts"}
	for _, c := range t.columns {
		if !c.gauge {
			names = append(names, c.name+"_increase", c.name+"_last")
			continue
		}
		names = append(names, c.name+"_min", c.name+"_max", c.name+"_sum")
		if c.percentiles && hourly {
			names = append(names, c.name+"_p50", c.name+"_p95")
		}
	}
	return names
}

func insert(table string, columns []string) string {
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
}

// cellOf is a number, or NULL unless there is one.
func cellOf(v int64, is bool) driver.Value {
	if !is {
		return nil
	}
	return v
}

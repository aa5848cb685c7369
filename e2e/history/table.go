package history

import (
	"math"
	"slices"
	"strings"

	"heapstash/schema"
)

// field is a metric that is simulated.
type field int

const (
	cpuLimit field = iota
	cpuLoad
	cpuAllocatable
	cpuCapacity
	cpuReservation
	cpuUtilization
	cpuRequest
	cpuUsage
	cpuUsageRate
	memoryCache
	memoryLimit
	memoryFaultsRate
	memoryMajorFaultsRate
	memoryAllocatable
	memoryCapacity
	memoryReservation
	memoryUtilization
	memoryRequest
	memoryRSS
	memoryUsage
	memoryWorkingSet
	networkRx
	networkRxErrors
	networkRxErrorsRate
	networkRxRate
	networkTx
	networkTxErrors
	networkTxErrorsRate
	networkTxRate
	restartCount
	uptime
	fields
)

var fieldNames = [fields]schema.MetricName{
	"cpu/limit", "cpu/load", "cpu/node_allocatable", "cpu/node_capacity", "cpu/node_reservation", "cpu/node_utilization",
	"cpu/request", "cpu/usage", "cpu/usage_rate",
	"memory/cache", "memory/limit", "memory/page_faults_rate", "memory/major_page_faults_rate",
	"memory/node_allocatable", "memory/node_capacity", "memory/node_reservation", "memory/node_utilization",
	"memory/request", "memory/rss", "memory/usage", "memory/working_set",
	"network/rx", "network/rx_errors", "network/rx_errors_rate", "network/rx_rate",
	"network/tx", "network/tx_errors", "network/tx_errors_rate", "network/tx_rate",
	"restart_count", "uptime",
}

// sample is what one batch has of one entity.
type sample [fields]int64

// none is no value.
const none = math.MinInt64

func emptySample() (s sample) {
	for i := range s {
		s[i] = none
	}
	return s
}

// table is where rows of a kind go.
type table struct {
	kind    schema.Kind
	columns []column
	// Statements, which insert a row.
	cold, hot, hourly, daily string
}

// column is one that the tables of a kind have.
type column struct {
	name  string
	field field // -1 for one that is always NULL
	// gauge tells how it is rolled up; percentiles, whether the hours have them.
	gauge, percentiles bool
}

func newTable(kind schema.Kind) *table {
	t := &table{kind: kind}
	var raw []string
	for _, m := range schema.MetricsOf(kind) {
		c := column{name: m.Column(), field: field(slices.Index(fieldNames[:], m.Name)), gauge: m.Type == schema.Gauge}
		c.percentiles = c.name == "cpu_usage_rate" || c.name == "memory_working_set"
		t.columns = append(t.columns, c)
		raw = append(raw, c.name)
	}
	t.cold = insert(kind.String()+"_cold", append([]string{"entity_id", "ts"}, raw...))
	t.hot = insert(kind.String()+"_hot", append([]string{"entity_id", "ts"}, raw...))
	t.hourly = insert(kind.String()+"_hour", t.rolled(true))
	t.daily = insert(kind.String()+"_day", t.rolled(false))
	return t
}

// rolled are the columns of a rollup, in the order of [roller.cells].
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

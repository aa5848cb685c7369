package archive

import (
	"fmt"
	"strings"

	"heapstash/schema"
)

// derivedRatios are the ratios of a node that Heapster's model API cuts to 0
// or 1, from the integers that it divides itself (its node_autoscaling_enricher
// takes memory/usage, not the working set). NULL where a part is missing.
var derivedRatios = []string{
	ratio("cpu_usage_rate", "cpu_node_allocatable", "derived_cpu_utilization"),
	ratio("cpu_request", "cpu_node_allocatable", "derived_cpu_reservation"),
	ratio("memory_usage", "memory_node_allocatable", "derived_memory_utilization"),
	ratio("memory_request", "memory_node_allocatable", "derived_memory_reservation"),
}

func ratio(part, whole, name string) string {
	return fmt.Sprintf("1.0 * s.%s / nullif(s.%s, 0) AS %s", part, whole, name)
}

// ratesView is <table>_rates: each counter's growth per second since the row
// before, with the fraction that Heapster's own *_rate loses. It is not quite
// that rate: Heapster divides by the times of its scrapes, which it does not
// show. A counter that fell was reset, and has grown from 0. Empty for a table
// without counters.
//
// The names are in PARTITION BY, so that a condition on them reaches the keys;
// one on the time does not, for it would hide the row before.
func (t *table) ratesView() string {
	names := kindColumns(t.kind)
	if t.family != schema.Unlabelled {
		names = append([]string{"kind", "node", "namespace", "pod", "container"}, t.family.LabelKeys()...)
	}
	names = append([]string{"cluster"}, names...)
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "e.")
	}
	columns := append([]string{}, names...)
	columns = append(columns, "ts", "time")
	for _, m := range t.metrics {
		if m.Type == schema.Cumulative && m.Name != "uptime" && m.Name != "restart_count" {
			columns = append(columns, growth(m.Column()))
		}
	}
	if len(columns) == len(names)+2 {
		return ""
	}
	return fmt.Sprintf("CREATE VIEW %s_rates AS\nSELECT %s\nFROM %s\nWINDOW before AS (PARTITION BY %s ORDER BY ts);\n\n",
		t.name, strings.Join(columns, ",\n  "), t.name, strings.Join(names, ", "))
}

func growth(counter string) string {
	return fmt.Sprintf("1.0 * CASE WHEN %[1]s < lag(%[1]s) OVER before THEN %[1]s ELSE %[1]s - lag(%[1]s) OVER before END"+
		" / (ts - lag(ts) OVER before) AS derived_%[1]s_per_second", counter)
}

package tables

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// derivedRatios returns a column for each ratio that Heapster's model API cuts
// to 0 or 1.
func (t *Table) derivedRatios() []string {
	var columns []string
	for _, m := range t.Metrics {
		if m.Part != "" {
			columns = append(columns, ExactRatio(m)+" AS "+m.Derived())
		}
	}
	return columns
}

// ExactRatio returns the [Ratio] of the raw row s.
func ExactRatio(m schema.Metric) string { return Ratio("s.", m) }

// Ratio returns the SQL expression of a ratio: Heapster's two integers, divided. If
// one is missing, it is the stored ratio if that is a float, because Heapster has
// not cut floats, and else NULL. The prefix stands before each column's name.
func Ratio(prefix string, m schema.Metric) string {
	column := func(name schema.MetricName) string { return prefix + schema.Metric{Name: name}.Column() }
	return fmt.Sprintf("ifnull(1.0 * %s / nullif(%s, 0), CASE typeof(%[3]s) WHEN 'real' THEN %[3]s END)",
		column(m.Part), column(m.Whole), column(m.Name))
}

// ExactRatio returns the SQL expression of a ratio's statistic, in the columns of
// [Rollup.Counted]. It is exact if all raw rows of the hour or day have the same
// divisor, and else NULL.
func (r *Rollup) ExactRatio(m schema.Metric, of archive.Statistic) string {
	column := func(name schema.MetricName) rolledColumn {
		wanted := schema.Metric{Name: name}.Column()
		return r.Columns[slices.IndexFunc(r.Columns, func(c rolledColumn) bool { return c.Name == wanted })]
	}
	part, whole := column(m.Part), column(m.Whole)
	value := part.Statistic(of)
	if value == "" {
		return ""
	}
	if of != archive.Count {
		value = fmt.Sprintf("1.0 * %s / nullif(%s, 0)", value, whole.Statistic(archive.Min))
	}
	return fmt.Sprintf("CASE WHEN %s = %s AND %s = s.samples THEN %s END", whole.Statistic(archive.Min), whole.Statistic(archive.Max), whole.Statistic(archive.Count), value)
}

// ratesView returns the view <table>_rates: each counter's growth per second since
// the previous row, with the fraction that Heapster's own *_rate loses. It differs
// from *_rate, because Heapster divides by scrape times, which it does not show. A
// counter that fell was reset to 0. A table without counters has no such view.
//
// PARTITION BY has the names, so that a condition on names uses the keys. A
// condition on the time cannot: it would hide the previous row.
func (t *Table) ratesView() string {
	names := t.Kind.NameColumns()
	if t.Family != schema.Unlabelled {
		names = append([]string{"kind", "node", "namespace", "pod", "container"}, t.Family.LabelKeys()...)
	}
	names = append([]string{"cluster"}, names...)
	columns := append(slices.Clone(names), "ts", "time")
	for _, m := range t.Metrics {
		if m.Type == schema.Cumulative && m.Name != "uptime" && m.Name != "restart_count" {
			columns = append(columns, growth(m.Column()))
		}
	}
	if len(columns) == len(names)+2 {
		return ""
	}
	return fmt.Sprintf("CREATE VIEW %s_rates AS\nSELECT %s\nFROM %s\nWINDOW before AS (PARTITION BY %s ORDER BY ts);\n\n",
		t.Name, strings.Join(columns, ",\n  "), t.Name, strings.Join(names, ", "))
}

// growth returns the column of a counter's growth per second.
func growth(counter string) string {
	return fmt.Sprintf("1.0 * CASE WHEN %[1]s < lag(%[1]s) OVER before THEN %[1]s ELSE %[1]s - lag(%[1]s) OVER before END"+
		" / (ts - lag(ts) OVER before) AS derived_%[1]s_per_second", counter)
}

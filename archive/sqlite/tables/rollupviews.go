package tables

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// rollupViews returns the views of hours and days: <kind>_hourly and <kind>_daily
// have a column for each statistic; samples_hourly and samples_daily have a row for
// each metric. They compute the statistics that a rollup's table leaves NULL.
func rollupViews(l Layout) string {
	var script strings.Builder
	rollups := l.Rollups()
	narrow := rollups[NarrowName]
	value := narrow.Columns[0]
	shown := []string{"value_n"} // also for counters, which have no min
	for _, statistic := range archive.Statistics()[1:] {
		shown = append(shown, value.Statistic(statistic))
	}
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		var arms []string
		for _, t := range l.Tables {
			r := rollups[t.Name]
			columns := append(t.nameColumns(), timeColumns, "samples")
			for _, c := range r.Columns {
				columns = append(columns, c.viewColumns(level)...)
			}
			fmt.Fprintf(&script, "CREATE VIEW %s_%s AS\nSELECT %s\nFROM %s\nWHERE %s;\n\n",
				t.Name, level, strings.Join(columns, ",\n  "), ByEntity(t.entities(), r.Counted(level)), t.where())
			arms = append(arms, t.seriesArm(ByEntity("entity", r.In(level)), "ifnull(s.counts ->> replace(m.name, '/', '_'), s.samples)",
				t.caseOf("_min", schema.Gauge), t.caseOf("_max", schema.Gauge), t.caseOf("_sum", schema.Gauge),
				t.caseOf("_increase", schema.Cumulative), t.caseOf("_last", schema.Cumulative)))
		}
		arms = append(arms, narrowArm(ByEntity("entity", narrow.In(level)),
			"s.samples", "s.value_min", "s.value_max", "s.value_sum", "s.value_increase", "s.value_last"))
		script.WriteString(seriesView("samples_"+string(level), "samples, min, avg, max, sum, increase, last", arms,
			"value_n, value_min, value_max, value_sum, value_increase, value_last",
			strings.Join(shown, ", "), value.Present()))
	}
	return script.String()
}

// Counted returns a subquery with the rollup's rows and, for each gauge, <column>_n:
// the number of its values if it has any. In narrow tables that is the number of
// raw rows.
func (r *Rollup) Counted(level archive.Level) string {
	columns := []string{"*"}
	for _, c := range r.Columns {
		switch {
		case r.IsNarrow():
			columns = append(columns, "samples AS "+c.Name+"_n")
		case c.Gauge:
			columns = append(columns, fmt.Sprintf("ifnull(counts ->> '%[1]s', samples) AS %[1]s_n", c.Name))
		}
	}
	return fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(columns, ", "), r.In(level))
}

// viewColumns returns the column's statistics in a view.
func (c rolledColumn) viewColumns(level archive.Level) (columns []string) {
	name := func(expression, suffix string) { columns = append(columns, expression+" AS "+c.Name+suffix) }
	if c.Gauge {
		columns = append(columns, c.Name+"_min")
		name(c.Statistic(archive.Avg), "_avg")
		name(c.Statistic(archive.Max), "_max")
		name(c.Statistic(archive.Sum), "_sum")
		name(c.count("0"), "_count")
	}
	if c.Percentiles && level == archive.Hourly {
		columns = append(columns, c.Name+"_p50", c.Name+"_p95")
	}
	if c.Counter {
		columns = append(columns, c.Name+"_increase")
		name(c.Statistic(archive.Last), "_last")
	}
	return columns
}

// count returns the expression of the number of a gauge's values: none if there are
// no values.
func (c rolledColumn) count(none string) string {
	return fmt.Sprintf("iif(%[1]s_min IS NULL, %[2]s, %[1]s_n)", c.Name, none)
}

// Present returns the condition that a row has values of the column.
func (c rolledColumn) Present() string {
	var conditions []string
	if c.Gauge {
		conditions = append(conditions, c.Name+"_min IS NOT NULL")
	}
	if c.Counter {
		conditions = append(conditions, c.Name+"_increase IS NOT NULL")
	}
	return strings.Join(conditions, " OR ")
}

// Statistic returns the statistic's expression in the columns of [Rollup.Counted]. It
// is empty if the column does not have the statistic.
func (c rolledColumn) Statistic(of archive.Statistic) string {
	expression := map[archive.Statistic]string{}
	if c.Counter {
		// An hour without values has the last value of the hour before: NULL here.
		expression[archive.Count] = "iif(COL_increase IS NULL, NULL, samples)"
		expression[archive.Increase] = "COL_increase"
		expression[archive.Last] = "iif(COL_increase IS NULL, NULL, COL_last)"
	}
	if c.Gauge {
		expression[archive.Count] = c.count("NULL")
		expression[archive.Min] = "COL_min"
		expression[archive.Avg] = "ifnull(1.0 * COL_sum / COL_n, 1.0 * COL_min)"
		expression[archive.Max] = "ifnull(COL_max, COL_min)"
		// Without values, the min is NULL, and so is the product.
		expression[archive.Sum] = "ifnull(COL_sum, COL_min * COL_n)"
	}
	return strings.ReplaceAll(expression[of], "COL", c.Name)
}

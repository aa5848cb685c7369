package tables

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// rollupViews are the views of what hours and days come to: <kind>_hourly and
// <kind>_daily, a column for each aggregate, and samples_hourly and
// samples_daily, a row for each metric. They fill in what a rollup does not
// store, see [rollup.binds].
func rollupViews(l Layout) string {
	var script strings.Builder
	rollups := l.Rollups()
	narrow := rollups[NarrowName]
	whatever := narrow.Columns[0]
	shown := []string{"value_n"} // also of a counter, which has no min
	for _, statistic := range archive.Statistics()[1:] {
		shown = append(shown, whatever.Statistic(statistic))
	}
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		var arms []string
		for _, t := range l.Tables {
			r := rollups[t.Name]
			columns := append(t.nameColumns(), timeColumns, "samples")
			for _, c := range r.Columns {
				columns = append(columns, c.shown(level)...)
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
			strings.Join(shown, ", "), whatever.There()))
	}
	return script.String()
}

// Counted is a subquery of the rollup's rows, with <column>_n besides, which is
// the number of a gauge's values if it has any. Of a narrow metric, each row of
// the raw table is one.
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

// shown are the columns that a view has for it.
func (c rolledColumn) shown(level archive.Level) (columns []string) {
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

// count is the number of a gauge's values, and of what is none that.
func (c rolledColumn) count(none string) string {
	return fmt.Sprintf("iif(%[1]s_min IS NULL, %[2]s, %[1]s_n)", c.Name, none)
}

// There is the condition that a row has anything of it.
func (c rolledColumn) There() string {
	var conditions []string
	if c.Gauge {
		conditions = append(conditions, c.Name+"_min IS NOT NULL")
	}
	if c.Counter {
		conditions = append(conditions, c.Name+"_increase IS NOT NULL")
	}
	return strings.Join(conditions, " OR ")
}

// Statistic is the expression for it in the columns of [rollup.counted], empty
// if the column has no such statistic.
func (c rolledColumn) Statistic(of archive.Statistic) string {
	expression := map[archive.Statistic]string{}
	if c.Counter {
		// It is not shown where it is only carried on.
		expression[archive.Count] = "iif(COL_increase IS NULL, NULL, samples)"
		expression[archive.Increase] = "COL_increase"
		expression[archive.Last] = "iif(COL_increase IS NULL, NULL, COL_last)"
	}
	if c.Gauge {
		expression[archive.Count] = c.count("NULL")
		expression[archive.Min] = "COL_min"
		expression[archive.Avg] = "ifnull(1.0 * COL_sum / COL_n, 1.0 * COL_min)"
		expression[archive.Max] = "ifnull(COL_max, COL_min)"
		// NULL without a min, for that makes the product NULL.
		expression[archive.Sum] = "ifnull(COL_sum, COL_min * COL_n)"
	}
	return strings.ReplaceAll(expression[of], "COL", c.Name)
}

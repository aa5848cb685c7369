package archive

import (
	"fmt"
	"strings"

	"heapstash/schema"
)

// rollupViews are the views of what hours and days come to: <kind>_hourly and
// <kind>_daily, a column for each aggregate, and samples_hourly and
// samples_daily, a row for each metric. They fill in what a rollup does not
// store, see [rollup.binds].
func rollupViews(l layout) string {
	var script strings.Builder
	rollups := l.rollups()
	narrow := rollups[narrowName]
	whatever := narrow.columns[0]
	shown := []string{"value_n"} // also of a counter, which has no min
	for _, statistic := range Statistics()[1:] {
		shown = append(shown, whatever.statistic(statistic))
	}
	for _, level := range []schema.Level{schema.Hourly, schema.Daily} {
		var arms []string
		for _, t := range l.tables {
			r := rollups[t.name]
			columns := append(t.nameColumns(), timeColumns, "samples")
			for _, c := range r.columns {
				columns = append(columns, c.shown(level)...)
			}
			fmt.Fprintf(&script, "CREATE VIEW %s_%s AS\nSELECT %s\nFROM %s\nWHERE %s;\n\n",
				t.name, level, strings.Join(columns, ",\n  "), byEntity(t.entities(), r.counted(level)), t.where())
			arms = append(arms, t.seriesArm(byEntity("entity", r.in(level)), "ifnull(s.counts ->> replace(m.name, '/', '_'), s.samples)",
				t.caseOf("_min", schema.Gauge), t.caseOf("_max", schema.Gauge), t.caseOf("_sum", schema.Gauge),
				t.caseOf("_increase", schema.Cumulative), t.caseOf("_last", schema.Cumulative)))
		}
		arms = append(arms, narrowArm(byEntity("entity", narrow.in(level)),
			"s.samples", "s.value_min", "s.value_max", "s.value_sum", "s.value_increase", "s.value_last"))
		script.WriteString(seriesView("samples_"+string(level), "samples, min, avg, max, sum, increase, last", arms,
			"value_n, value_min, value_max, value_sum, value_increase, value_last",
			strings.Join(shown, ", "), whatever.there()))
	}
	return script.String()
}

// counted is a subquery of the rollup's rows, with <column>_n besides, which is
// the number of a gauge's values if it has any. Of a narrow metric, each row of
// the raw table is one.
func (r *rollup) counted(level schema.Level) string {
	columns := []string{"*"}
	for _, c := range r.columns {
		switch {
		case r.isNarrow():
			columns = append(columns, "samples AS "+c.name+"_n")
		case c.gauge:
			columns = append(columns, fmt.Sprintf("ifnull(counts ->> '%[1]s', samples) AS %[1]s_n", c.name))
		}
	}
	return fmt.Sprintf("(SELECT %s FROM %s)", strings.Join(columns, ", "), r.in(level))
}

// shown are the columns that a view has for it.
func (c rolledColumn) shown(level schema.Level) (columns []string) {
	name := func(expression, suffix string) { columns = append(columns, expression+" AS "+c.name+suffix) }
	if c.gauge {
		columns = append(columns, c.name+"_min")
		name(c.statistic(Avg), "_avg")
		name(c.statistic(Max), "_max")
		name(c.statistic(Sum), "_sum")
		name(c.count("0"), "_count")
	}
	if c.percentiles && level == schema.Hourly {
		columns = append(columns, c.name+"_p50", c.name+"_p95")
	}
	if c.counter {
		columns = append(columns, c.name+"_increase")
		name(c.statistic(Last), "_last")
	}
	return columns
}

// count is the number of a gauge's values, and of what is none that.
func (c rolledColumn) count(none string) string {
	return fmt.Sprintf("iif(%[1]s_min IS NULL, %[2]s, %[1]s_n)", c.name, none)
}

// there is the condition that a row has anything of it.
func (c rolledColumn) there() string {
	var conditions []string
	if c.gauge {
		conditions = append(conditions, c.name+"_min IS NOT NULL")
	}
	if c.counter {
		conditions = append(conditions, c.name+"_increase IS NOT NULL")
	}
	return strings.Join(conditions, " OR ")
}

// statistic is the expression for it in the columns of [rollup.counted], empty
// if the column has no such statistic.
func (c rolledColumn) statistic(of Statistic) string {
	expression := map[Statistic]string{}
	if c.counter {
		// It is not shown where it is only carried on.
		expression[Count] = "iif(COL_increase IS NULL, NULL, samples)"
		expression[Increase] = "COL_increase"
		expression[Last] = "iif(COL_increase IS NULL, NULL, COL_last)"
	}
	if c.gauge {
		expression[Count] = c.count("NULL")
		expression[Min] = "COL_min"
		expression[Avg] = "ifnull(1.0 * COL_sum / COL_n, 1.0 * COL_min)"
		expression[Max] = "ifnull(COL_max, COL_min)"
		// NULL without a min, for that makes the product NULL.
		expression[Sum] = "ifnull(COL_sum, COL_min * COL_n)"
	}
	return strings.ReplaceAll(expression[of], "COL", c.name)
}

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
	for _, level := range []schema.Level{schema.Hourly, schema.Daily} {
		var arms []string
		for _, t := range l.tables {
			r := rollups[t.name]
			columns := append(t.nameColumns(), timeColumns, "s.samples")
			for _, c := range r.columns {
				columns = append(columns, c.shown(level)...)
			}
			fmt.Fprintf(&script, "CREATE VIEW %s AS\nSELECT %s\n%s\nWHERE %s;\n\n",
				r.table+"_"+string(level), strings.Join(columns, ",\n  "), r.from(level), t.where())
			for i, m := range t.metrics {
				arms = append(arms, t.rollupArm(r, level, m, r.columns[i]))
			}
		}
		arms = append(arms, narrowRollupArm(rollups[narrowName], level))
		fmt.Fprintf(&script, "CREATE VIEW samples_%s (%s, metric, ts, time, samples, min, avg, max, sum, increase, last) AS\n%s;\n\n",
			level, seriesNames, strings.Join(arms, "\nUNION ALL\n"))
	}
	return script.String()
}

// from joins a rollup with entity in the order of its key.
func (r *rollup) from(level schema.Level) string {
	return fmt.Sprintf("FROM entity e CROSS JOIN %s s ON s.entity_id = e.id", r.in(level))
}

// shown are the columns that a view has for it.
func (c rolledColumn) shown(level schema.Level) (columns []string) {
	name := func(expression, suffix string) { columns = append(columns, expression+" AS "+c.name+suffix) }
	if c.gauge {
		columns = append(columns, "s."+c.name+"_min")
		name(c.avg(), "_avg")
		name(c.max(), "_max")
		name(c.sum(), "_sum")
		name(c.count(), "_count")
	}
	if c.percentiles && level == schema.Hourly {
		columns = append(columns, "s."+c.name+"_p50", "s."+c.name+"_p95")
	}
	if c.counter {
		columns = append(columns, "s."+c.name+"_increase")
		name(c.last(), "_last")
	}
	return columns
}

func (c rolledColumn) max() string { return fmt.Sprintf("ifnull(s.%[1]s_max, s.%[1]s_min)", c.name) }

// sum is NULL where there is no min, for that makes the product NULL.
func (c rolledColumn) sum() string {
	return fmt.Sprintf("ifnull(s.%[1]s_sum, s.%[1]s_min * %[2]s)", c.name, c.several())
}

func (c rolledColumn) avg() string {
	return fmt.Sprintf("ifnull(1.0 * s.%[1]s_sum / %[2]s, 1.0 * s.%[1]s_min)", c.name, c.several())
}

// several is the number of values, if there are any. Of a narrow metric, each
// row is one.
func (c rolledColumn) several() string {
	if c.counter {
		return "s.samples"
	}
	return fmt.Sprintf("ifnull(s.counts ->> '%s', s.samples)", c.name)
}

func (c rolledColumn) count() string {
	return fmt.Sprintf("iif(s.%s_min IS NULL, 0, %s)", c.name, c.several())
}

// last is not shown where it is only carried on.
func (c rolledColumn) last() string {
	return fmt.Sprintf("iif(s.%[1]s_increase IS NULL, NULL, s.%[1]s_last)", c.name)
}

// rollupArm selects one metric of a rollup as samples_hourly or samples_daily
// shows it: from the view that has a column for each, which is shorter, but for
// labelled series, of which that has no labels as Heapster spells them.
func (t *table) rollupArm(r *rollup, level schema.Level, m schema.Metric, c rolledColumn) string {
	there := c.name + "_min"
	if c.counter {
		there = c.name + "_increase"
	}
	if t.family != schema.Unlabelled {
		return fmt.Sprintf("SELECT %s, '%s', s.ts, %s, %s %s WHERE %s AND s.%s IS NOT NULL",
			narrowSeries, m.Name, timeText, c.values(), r.from(level), t.where(), there)
	}
	values := "COL_count, COL_min, COL_avg, COL_max, COL_sum, NULL, NULL"
	if c.counter {
		values = "samples, NULL, NULL, NULL, NULL, COL_increase, COL_last"
	}
	return fmt.Sprintf("SELECT %s, '%s', ts, time, %s FROM %s_%s WHERE %s IS NOT NULL",
		strings.ReplaceAll(t.seriesColumns(), "e.", ""), m.Name, strings.ReplaceAll(values, "COL", c.name), t.name, level, there)
}

// values are samples, min, avg, max, sum, increase and last of the row s.
func (c rolledColumn) values() string {
	samples, gauge, counter := "s.samples", "NULL, NULL, NULL, NULL", "NULL, NULL"
	if c.gauge {
		samples = c.count()
		gauge = fmt.Sprintf("s.%s_min, %s, %s, %s", c.name, c.avg(), c.max(), c.sum())
	}
	if c.counter {
		counter = fmt.Sprintf("s.%s_increase, %s", c.name, c.last())
	}
	return samples + ", " + gauge + ", " + counter
}

// narrowRollupArm selects every metric without a column.
func narrowRollupArm(r *rollup, level schema.Level) string {
	return fmt.Sprintf("SELECT %s, m.name, s.ts, %s, %s %s%s",
		narrowSeries, timeText, r.columns[0].values(), r.from(level), byMetric)
}

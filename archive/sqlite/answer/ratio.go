package answer

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

func columnOf(m schema.MetricName) string { return schema.Metric{Name: m}.Column() }

// ratio returns the exact ratio of a row of the raw view, see [query.Query.IsRatio].
func (p plan) ratio() string { return tables.Ratio("", p.Metric) }

// wholeIsConstant returns the condition that a row of a rollup has the exact ratios:
// all raw rows of the hour or day have the same whole. It is never NULL.
func (p plan) wholeIsConstant() string {
	return fmt.Sprintf("ifnull(%[1]s_min = %[1]s_max AND %[1]s_count = samples AND %[1]s_min <> 0, 0)", columnOf(p.Metric.Whole))
}

// ratioCells adds cells made of the rows of a rollup that have the exact ratios. The
// other hours and days are made of finer rows, or left out where those are not
// kept. Groups are single series, because ratios do not add up.
func (p plan) ratioCells(b *builder, s query.Segment) {
	part, whole := columnOf(p.Metric.Part), columnOf(p.Metric.Whole)
	exact := func(level archive.Level, more ...condition) {
		b.add("SELECT " + p.list("ts", func(name string) string {
			if name == "n" {
				return part + "_count"
			}
			return fmt.Sprintf("1.0 * %s_%s / %s_min", part, rolledColumns[name], whole)
		}) + "\n  FROM " + level.View(p.view()))
		conditions := p.rowsOf(s.Span, condition{text: part + "_min IS NOT NULL"}, condition{text: p.wholeIsConstant()})
		b.where(append(conditions, more...))
	}
	exact(s.Level)
	if s.Level == archive.Daily {
		b.add("\n  UNION ALL\n  ")
		exact(archive.Hourly, p.inexact(archive.Daily, s)...)
	}
	b.add("\n  UNION ALL\n  ")
	p.hourCells(b, s, p.inexact(archive.Hourly, s)...)
}

// inexact returns the conditions that finer rows are of an hour or day for which the
// level's rollup has no exact ratio. The bounds of ts are there to use the keys.
func (p plan) inexact(level archive.Level, s query.Segment) []condition {
	names := strings.Join(p.Series(), ", ")
	rows := new(builder)
	rows.add(level.View(p.view()))
	rows.where(p.rowsOf(s.Span, condition{text: "NOT " + p.wholeIsConstant()}))
	of := rows.statement()
	seconds := int64(level.Length().Seconds())
	return []condition{
		{"ts >= (SELECT min(ts) FROM " + of.text + ")", of.args},
		{fmt.Sprintf("ts < (SELECT max(ts) + %d FROM %s)", seconds, of.text), of.args},
		{fmt.Sprintf("(%s, ts - ts %% %d) IN (SELECT %s, ts FROM %s)", names, seconds, names, of.text), of.args},
	}
}

package query

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// Ratios of nodes, such as cpu/node_utilization, are cut to 0 or 1 by Heapster's
// model API. The answer is the exact ratio, which follows from two metrics of the
// same row. A stored ratio that is a float was not cut; it counts where one of the
// two is missing.

// derived reports whether the answer is made of other metrics than the one that
// is asked for.
func (q Query) derived() bool { return q.Metric.Part != "" && !q.long() }

func columnOf(m schema.MetricName) string { return schema.Metric{Name: m}.Column() }

// ratio is the exact value in a row of the raw view.
func (q Query) ratio() string {
	return fmt.Sprintf("ifnull(1.0 * %s / nullif(%s, 0), CASE typeof(%[3]s) WHEN 'real' THEN %[3]s END)",
		columnOf(q.Metric.Part), columnOf(q.Metric.Whole), q.Metric.Column())
}

// wholeIsConstant is the condition that a row of a rollup has the exact ratios:
// every raw row of the hour or day has the same whole. It is never NULL.
func (q Query) wholeIsConstant() string {
	return fmt.Sprintf("ifnull(%[1]s_min = %[1]s_max AND %[1]s_count = samples AND %[1]s_min <> 0, 0)", columnOf(q.Metric.Whole))
}

// ratioCells are made of the rows of a rollup that have the exact ratios, and of
// finer rows for the other hours and days. Where those are not kept, there is
// nothing. Groups are series: ratios do not add up.
func (p Plan) ratioCells(b *builder, s Segment) {
	part, whole := columnOf(p.Metric.Part), columnOf(p.Metric.Whole)
	exact := func(level archive.Level, more ...condition) {
		b.add("SELECT " + p.list("ts", func(name string) string {
			if name == "n" {
				return part + "_count"
			}
			return fmt.Sprintf("1.0 * %s_%s / %s_min", part, rolledColumns[name], whole)
		}) + "\n  FROM " + level.View(p.View()))
		conditions := append(p.conditions(), s.condition()...)
		conditions = append(conditions, condition{text: part + "_min IS NOT NULL"}, condition{text: p.wholeIsConstant()})
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

// inexact are the conditions on finer rows that they belong to a row of the
// level's rollup that has no exact ratio. The bounds of time reach the keys.
func (p Plan) inexact(level archive.Level, s Segment) []condition {
	names := strings.Join(p.series(), ", ")
	rows := new(builder)
	rows.add(level.View(p.View()))
	rows.where(slices.Concat(p.conditions(), s.condition(), []condition{{text: "NOT " + p.wholeIsConstant()}}))
	of := rows.statement()
	seconds := int64(level.Length().Seconds())
	return []condition{
		{"ts >= (SELECT min(ts) FROM " + of.Text + ")", of.Args},
		{fmt.Sprintf("ts < (SELECT max(ts) + %d FROM %s)", seconds, of.Text), of.Args},
		{fmt.Sprintf("(%s, ts - ts %% %d) IN (SELECT %s, ts FROM %s)", names, seconds, names, of.Text), of.Args},
	}
}

// noteRatio says what the answer is made of.
func (p *Plan) noteRatio(rolled bool) {
	p.Notes = append(p.Notes, fmt.Sprintf("%s is %s divided by %s of the same moment: Heapster's model API cuts it to 0 or 1", p.Metric.Name, p.Metric.Part, p.Metric.Whole))
	if rolled {
		p.Notes = append(p.Notes, fmt.Sprintf("hours and days in which %s changed are made of finer rows, and left out where those are not kept", p.Metric.Whole))
	}
}

// noteCut says that a rate's fractions are lost.
func (p *Plan) noteCut() {
	counter, ok := p.Metric.CounterOf()
	if !ok {
		return
	}
	text := fmt.Sprintf("Heapster's model API cuts the fraction of %s: a value may be up to 1/s too small", p.Metric.Name)
	if counter.On(p.Kind) {
		text += fmt.Sprintf("; `query %s --agg rate` has it", counter.Name)
	} else {
		text += fmt.Sprintf("; of %s, `query %s --agg rate` has it", plural(counter.Kinds), counter.Name)
	}
	p.Notes = append(p.Notes, text)
}

// plural lists kinds for people.
func plural(kinds []schema.Kind) string {
	texts := make([]string, len(kinds))
	for i, k := range kinds {
		texts[i] = words(k) + "s"
	}
	return strings.Join(texts, ", ")
}

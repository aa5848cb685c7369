package answer

import (
	"fmt"
	"slices"

	"heapstash/archive/query"
	"heapstash/schema"
)

// rolledColumns are the ends of the rollup's columns for cells.
var rolledColumns = map[string]string{
	"n": "count", "s": "sum", "low": "min", "high": "max", "inc": "increase", "last": "last", "p50": "p50", "p95": "p95",
}

// ofBatches are the cells of sums that need the number of batches.
var ofBatches = []string{"m", "low", "high"}

// rolledCells adds cells made of rows of a rollup.
func (p plan) rolledCells(b *builder, s query.Segment) {
	view := s.Level.View(p.view())
	there := condition{text: p.rolled("min") + " IS NOT NULL"}
	if p.Metric.Type == schema.Cumulative {
		there = condition{text: p.rolled("increase") + " IS NOT NULL"}
	}
	conditions := p.rowsOf(s.Span, there)
	from := view
	if p.needsSpan() {
		from = p.lived(view)
	}
	if !p.IsSummed() {
		b.add("SELECT " + p.list("ts", func(name string) string {
			if slices.Contains(spanCells, name) {
				return rolledSpan(name, s.Level)
			}
			return p.rolled(rolledColumns[name])
		}) + "\n  FROM ")
		p.rows(b, from, s.Level, p.rolledNames(), conditions)
		return
	}
	b.add("SELECT " + p.list("ts", func(name string) string {
		if slices.Contains(spanCells, name) {
			return over(name) + "(" + rolledSpan(name, s.Level) + ")"
		}
		return p.rolledSum(name)
	}) + "\n  FROM (SELECT * FROM ")
	p.rows(b, from, s.Level, p.rolledNames(), conditions)
	b.add(")")
	if slices.ContainsFunc(p.needs(), func(name string) bool { return slices.Contains(ofBatches, name) }) {
		b.add("\n  LEFT JOIN (SELECT cluster, ts, max(" + p.rolled("count") + ") AS batches FROM " + view)
		b.where(append(p.ofMetric(), within(s.Span)...))
		b.add(" GROUP BY cluster, ts) USING (cluster, ts)")
	}
	b.add("\n  GROUP BY " + p.keys() + ", ts")
}

// rolledSum returns a cell of a sum of series. No rollup has the number of moments
// with samples of the group. It is at most the number of the group's samples and
// the number of batches, which is the count of the kind's longest series. A series
// with fewer samples was 0 in some batches.
func (p plan) rolledSum(name string) string {
	bound := func(least string) string {
		column := p.rolled(least)
		return fmt.Sprintf("CASE WHEN count(*) = 1 THEN %[2]s(%[1]s) ELSE sum(CASE WHEN %[3]s >= batches THEN %[1]s ELSE %[2]s(%[1]s, 0) END) END",
			column, least, p.rolled("count"))
	}
	switch name {
	case "m":
		return fmt.Sprintf("min(max(batches), sum(%s))", p.rolled("count"))
	case "low":
		return bound("min")
	case "high":
		return bound("max")
	default:
		return "sum(" + p.rolled(rolledColumns[name]) + ")"
	}
}

// rolledNames returns the columns of a rollup that the cells are made of.
func (p plan) rolledNames() []string {
	var names []string
	add := func(what string) {
		if name := p.rolled(what); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, need := range p.needs() {
		if what, ok := rolledColumns[need]; ok {
			add(what)
		}
		if need == "since" {
			names = append(names, "first_seen", "last_seen")
		}
		if slices.Contains(ofBatches, need) {
			add("count")
		}
	}
	return names
}

package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heapstash/archive/query"
)

// statement returns the SQL that answers the plan. Its columns are the groups, with a
// step ts, and the aggregates.
func (p plan) statement() statement {
	b := new(builder)
	b.add("WITH ")
	if p.NeedsIncarnations() {
		p.identities(b)
		b.add(",\n")
	}
	if p.needsLives() {
		p.lives(b)
		b.add(",\n")
	}
	for i, s := range p.Segments {
		b.add(map[bool]string{true: "cells AS (\n  ", false: "\n  UNION ALL\n  "}[i == 0])
		p.cells(b, s)
	}
	b.add("\n)")
	groups := p.keys()
	if p.Step == 0 {
		b.add("\n")
		p.aggregate(b, false, p.Aggs, quoted)
		b.add("\nORDER BY " + quoted(p.Aggs[0]) + " DESC, " + groups)
		p.limit(b)
		return b.statement()
	}
	if p.cellsAreSteps() {
		b.add("\n")
		p.steps(b)
		b.add("\nORDER BY " + groups + ", ts")
		return b.statement()
	}
	if p.Top == 0 {
		b.add("\n")
		p.aggregate(b, true, p.Aggs, quoted)
		b.add("\nORDER BY " + groups + ", ts")
		return b.statement()
	}
	b.add(",\nranked AS (\n  SELECT *, row_number() OVER (ORDER BY rank DESC, " + groups + ") AS place FROM (")
	p.aggregate(b, false, p.Aggs[:1], func(query.Agg) string { return "rank" })
	b.add(")\n  ORDER BY place")
	p.limit(b)
	b.add("\n),\nsteps AS (\n  ")
	p.aggregate(b, true, p.Aggs, quoted)
	b.add("\n)\nSELECT steps.* FROM ranked JOIN steps ON ")
	for i, column := range columns(p.Groups()) {
		if i > 0 {
			b.add(" AND ")
		}
		b.add(fmt.Sprintf("steps.%[1]s IS ranked.%[1]s", column))
	}
	b.add("\nORDER BY place, ts")
	return b.statement()
}

func (p plan) limit(b *builder) {
	if p.Top > 0 {
		b.add("\nLIMIT ?", int64(p.Top))
	}
}

// steps adds the SELECT of cells that are steps.
func (p plan) steps(b *builder) {
	list := append(columns(p.Groups()), "t AS ts")
	for _, agg := range p.Aggs {
		text := cellsOf[agg][0]
		switch agg {
		case query.Avg:
			text = "1.0 * s / n"
		case query.Rate:
			text = rate("inc", "since", "until")
		}
		list = append(list, text+" AS "+quoted(agg))
	}
	b.add("SELECT " + strings.Join(list, ",\n    ") + "\n  FROM cells")
}

// quoted returns the name of an aggregate's column. Some are functions, too.
func quoted(agg query.Agg) string { return `"` + string(agg) + `"` }

// aggregate adds the SELECT of aggregates of the cells, of each step or of the whole
// range. The function as names their columns.
func (p plan) aggregate(b *builder, steps bool, aggs []query.Agg, as func(query.Agg) string) {
	list := columns(p.Groups())
	keys := strings.Join(list, ", ")
	if steps {
		seconds := int64(p.Step / time.Second)
		step := fmt.Sprintf("t - t %% %d", seconds)
		if first := query.StepBegin(0, p.Step); first > 0 {
			step = fmt.Sprintf("t - (t - %d) %% %d", first, seconds)
		}
		list = append(list, step+" AS ts")
		keys += ", " + step
	}
	for _, agg := range aggs {
		list = append(list, p.expression(agg)+" AS "+as(agg))
	}
	b.add("SELECT " + strings.Join(list, ",\n    ") + "\n  FROM ")
	var windows []string
	if slices.Contains(aggs, query.Last) {
		windows = append(windows, "rank() OVER (PARTITION BY "+keys+" ORDER BY t DESC) AS newest")
	}
	ordered := make(map[string]bool)
	for _, agg := range aggs {
		if nth, value := p.nth(agg); agg.Percent() > 0 && !ordered[nth] {
			ordered[nth] = true
			windows = append(windows, "row_number() OVER (PARTITION BY "+keys+" ORDER BY "+value+") AS "+nth)
		}
	}
	if len(ordered) > 0 {
		windows = append(windows, "count(*) OVER (PARTITION BY "+keys+") AS of_all")
	}
	if len(windows) > 0 {
		b.add("(SELECT *, " + strings.Join(windows, ",\n      ") + " FROM cells)")
	} else {
		b.add("cells")
	}
	b.add("\n  GROUP BY " + keys)
}

// nth returns the column with a cell's rank for a percentile, and the column that ranks
// the cells.
func (p plan) nth(agg query.Agg) (nth, value string) {
	if p.byTheHour() {
		return "nth" + string(agg[1:]), string(agg)
	}
	return "nth", "s"
}

// expression returns an aggregate of cells.
func (p plan) expression(agg query.Agg) string {
	switch agg {
	case query.Avg:
		if p.IsSummed() {
			return "total(s) / total(m)"
		}
		return "total(s) / total(n)"
	case query.Min:
		return "min(low)"
	case query.Max:
		return "max(high)"
	case query.Sum:
		return "sum(s)"
	case query.Count:
		return "sum(n)"
	case query.Increase:
		return "sum(inc)"
	case query.Rate:
		return rate("total(inc)", "min(since)", "max(until)")
	case query.Last:
		if p.AddsUp() || p.IsSingle() {
			return "max(CASE WHEN newest = 1 THEN last END)"
		}
		return "avg(CASE WHEN newest = 1 THEN last END)"
	default:
		nth, value := p.nth(agg)
		return fmt.Sprintf("min(CASE WHEN %s * 100 >= of_all * %d THEN %s END)", nth, agg.Percent(), value)
	}
}

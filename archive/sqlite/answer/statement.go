package query

import (
	"fmt"
	"slices"
	"strings"
)

// Statement is the SQL that answers the plan. Its columns are those of
// [Query.Groups], then, with a step, ts, then one for each aggregate. Rows come
// by rank where there is no step, or with Top; then by names and time.
func (p Plan) Statement() Statement {
	b := new(builder)
	b.add("WITH ")
	if p.identified() {
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
	p.aggregate(b, false, p.Aggs[:1], func(Agg) string { return "rank" })
	b.add(")\n  ORDER BY place")
	p.limit(b)
	b.add("\n),\nsteps AS (\n  ")
	p.aggregate(b, true, p.Aggs, quoted)
	b.add("\n)\nSELECT steps.* FROM ranked JOIN steps ON ")
	for i, column := range columnNames(p.Groups()) {
		if i > 0 {
			b.add(" AND ")
		}
		b.add(fmt.Sprintf("steps.%[1]s IS ranked.%[1]s", column))
	}
	b.add("\nORDER BY place, ts")
	return b.statement()
}

func (p Plan) limit(b *builder) {
	if p.Top > 0 {
		b.add("\nLIMIT ?", int64(p.Top))
	}
}

// steps writes the SELECT of cells that are steps.
func (p Plan) steps(b *builder) {
	columns := append(columnNames(p.Groups()), "t AS ts")
	for _, agg := range p.Aggs {
		text := cellsOf[agg][0]
		switch agg {
		case Avg:
			text = "1.0 * s / n"
		case Rate:
			text = rate("inc", "since", "until")
		}
		columns = append(columns, text+" AS "+quoted(agg))
	}
	b.add("SELECT " + strings.Join(columns, ",\n    ") + "\n  FROM cells")
}

// quoted is the name of an aggregate's column: some are functions too.
func quoted(agg Agg) string { return `"` + string(agg) + `"` }

// aggregate writes the SELECT of aggregates of the cells, of each step or of the
// whole range, under the names that as gives them.
func (p Plan) aggregate(b *builder, steps bool, aggs []Agg, as func(Agg) string) {
	columns := columnNames(p.Groups())
	keys := strings.Join(columns, ", ")
	step := fmt.Sprintf("t - t %% %d", p.seconds())
	if from := origin(p.Step); from > 0 {
		step = fmt.Sprintf("t - (t - %d) %% %d", from, p.seconds())
	}
	if steps {
		columns = append(columns, step+" AS ts")
		keys += ", " + step
	}
	for _, agg := range aggs {
		columns = append(columns, p.expression(agg)+" AS "+as(agg))
	}
	b.add("SELECT " + strings.Join(columns, ",\n    ") + "\n  FROM ")
	var windows []string
	if slices.Contains(aggs, Last) {
		windows = append(windows, "rank() OVER (PARTITION BY "+keys+" ORDER BY t DESC) AS newest")
	}
	ordered := make(map[string]bool)
	for _, agg := range aggs {
		if place, value := p.place(agg); agg.percentile() && !ordered[place] {
			ordered[place] = true
			windows = append(windows, "row_number() OVER (PARTITION BY "+keys+" ORDER BY "+value+") AS "+place)
		}
	}
	if len(ordered) > 0 {
		windows = append(windows, "count(*) OVER (PARTITION BY "+keys+") AS places")
	}
	if len(windows) > 0 {
		b.add("(SELECT *, " + strings.Join(windows, ",\n      ") + " FROM cells)")
	} else {
		b.add("cells")
	}
	b.add("\n  GROUP BY " + keys)
}

// place is the column with the rank of a cell by what a percentile is of, and
// that.
func (p Plan) place(agg Agg) (place, value string) {
	if p.byTheHour() {
		return "place" + string(agg[1:]), string(agg)
	}
	return "place", "s"
}

// expression computes an aggregate of cells.
func (p Plan) expression(agg Agg) string {
	switch agg {
	case Avg:
		if p.summed() {
			return "total(s) / total(m)"
		}
		return "total(s) / total(n)"
	case Min:
		return "min(low)"
	case Max:
		return "max(high)"
	case Sum:
		return "sum(s)"
	case Count:
		return "sum(n)"
	case Increase:
		return "sum(inc)"
	case Rate:
		return rate("total(inc)", "min(since)", "max(until)")
	case Last:
		if p.addsUp() || p.single() {
			return "max(CASE WHEN newest = 1 THEN last END)"
		}
		return "avg(CASE WHEN newest = 1 THEN last END)"
	default:
		place, value := p.place(agg)
		return fmt.Sprintf("min(CASE WHEN %s * 100 >= places * %d THEN %s END)", place, agg.percent(), value)
	}
}

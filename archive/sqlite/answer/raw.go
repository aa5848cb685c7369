package answer

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// rawCells adds cells made of raw rows.
func (p plan) rawCells(b *builder, s query.Segment) {
	grown := slices.Contains(p.needs(), "inc")
	value := p.value()
	if grown {
		value = "v"
	}
	b.add("SELECT " + p.list("ts", func(name string) string {
		text := value
		switch {
		case name == "m", name == "n" && !p.IsSummed():
			return "1"
		case name == "n":
			return "count(*)"
		case name == "inc":
			text = "CASE WHEN before IS NULL THEN 0 WHEN v < before THEN v ELSE v - before END"
		case name == "since":
			text = sinceBefore
		case name == "until":
			text = "ts"
		}
		if !p.IsSummed() {
			return text
		}
		return map[bool]string{true: over(name), false: "sum"}[slices.Contains(spanCells, name)] + "(" + text + ")"
	}) + "\n  FROM ")
	if grown {
		p.identify(b, archive.Raw, func() { p.grown(b, s) })
	} else {
		p.rows(b, p.view(), archive.Raw, []string{value}, p.rowsOf(s.Span, condition{text: value + " IS NOT NULL"}))
	}
	if p.IsSummed() {
		b.add("\n  GROUP BY " + p.keys() + ", ts")
	}
}

// lookBack is how many seconds before a range its rows are read, to find the row
// before each series' first one. Older rows are looked up for one series at a time.
const lookBack = 2 * 3600

// grown adds a counter's values v, each with the value before it, before.
func (p plan) grown(b *builder, s query.Segment) {
	series := strings.Join(p.Series(), ", ")
	before := query.Span{From: s.From - lookBack, To: s.To}
	b.add("(SELECT " + series + ", ts, v")
	p.before(b, "before", p.value(), before.From)
	lag := func(value string) string {
		return "lag(" + value + ") OVER (PARTITION BY " + series + " ORDER BY ts)"
	}
	columns := p.value() + " AS v, " + lag(p.value()) + " AS before"
	if p.needsSpan() {
		p.before(b, "before_ts", "ts", before.From)
		columns += ", " + lag("ts") + " AS before_ts"
	}
	b.add("\n    FROM (SELECT " + series + ", ts, " + columns + "\n      FROM " + p.view())
	b.where(p.rowsOf(before, condition{text: p.value() + " IS NOT NULL"}))
	b.add(") AS x WHERE ts >= ?)", int64(s.From))
}

// before adds a column of the row x: the value of the series' row before it. That
// row is looked up if it is older than the rows that are read.
func (p plan) before(b *builder, name, value string, from schema.Instant) {
	b.add(",\n      ifnull(" + name + ", (SELECT " + value + " FROM " + p.view() + " AS b")
	same := p.ofMetric()
	for _, column := range p.Series() {
		operator := " = x."
		if column == "labels" {
			operator = " IS x."
		}
		same = append(same, condition{text: "b." + column + operator + column})
	}
	same = append(same, condition{"b.ts < ?", []any{int64(from)}}, condition{text: p.value() + " IS NOT NULL"})
	b.where(same)
	b.add("\n      ORDER BY b.ts DESC LIMIT 1)) AS " + name)
}

// hourCells adds cells of hours of raw rows, with percentiles, for groups that are
// single series.
func (p plan) hourCells(b *builder, s query.Segment, more ...condition) {
	const hour = "ts - ts % 3600"
	groups := p.keys()
	b.add("SELECT " + p.list("min("+hour+")", func(name string) string {
		switch name {
		case "n":
			return "count(*)"
		case "s":
			return "sum(v)"
		case "low":
			return "min(v)"
		case "high":
			return "max(v)"
		default:
			return fmt.Sprintf("min(CASE WHEN nth * 100 >= of_all * %s THEN v END)", name[1:])
		}
	}))
	b.add("\n  FROM (SELECT " + groups + ", ts, " + p.value() + " AS v, row_number() OVER (PARTITION BY " + groups + ", " + hour + " ORDER BY " + p.value() +
		") AS nth,\n      count(*) OVER (PARTITION BY " + groups + ", " + hour + ") AS of_all\n    FROM ")
	conditions := append(p.rowsOf(s.Span, condition{text: p.value() + " IS NOT NULL"}), more...)
	p.rows(b, p.view(), archive.Raw, []string{p.value()}, conditions)
	b.add(")\n  GROUP BY " + groups + ", " + hour)
}

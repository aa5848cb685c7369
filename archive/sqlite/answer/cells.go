package query

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// Cells are what a segment's rows are brought to, one of a series and a row, or,
// where groups are sums, one of a group and a moment (or hour, or day):
//
//	t                  when it begins
//	n, s, low, high    samples, their sum, the least and the greatest of them
//	m                  of a sum of series, the moments that there was something
//	inc, last          a counter's growth, and the last value
//	since, until       when that growth began, and ended
//	p50, p95           of the hour
//
// They have those that the aggregates need.
var cellsOf = map[Agg][]string{
	Avg: {"n", "s"}, Min: {"low"}, Max: {"high"}, Sum: {"s"}, Count: {"n"}, Last: {"last"},
	Increase: {"inc"}, Rate: {"inc", "since", "until"}, P50: {"p50"}, P95: {"p95"},
}

// needs are the cells' columns but for names and t, in order.
func (p Plan) needs() []string {
	need := make(map[string]bool)
	for _, agg := range p.Aggs {
		cells := cellsOf[agg]
		switch {
		case agg.percentile() && p.Level == archive.Raw:
			cells = []string{"s"}
		case agg == Avg && p.summed():
			cells = []string{"m", "s"}
		}
		for _, cell := range cells {
			need[cell] = true
		}
	}
	return slices.Sorted(maps.Keys(need))
}

// byTheHour reports whether cells of raw rows are to be brought to hours, for
// the sake of percentiles.
func (p Plan) byTheHour() bool {
	return p.Level != archive.Raw && slices.ContainsFunc(p.Aggs, Agg.percentile)
}

// cellsAreSteps reports whether there is one cell of each group in each step, as
// of series by the hour: then nothing is left to group, which takes longer than
// to read a year of hours. Segments do not share an hour.
func (p Plan) cellsAreSteps() bool {
	return p.Level == archive.Hourly && p.Step == archive.Hourly.Length() && p.single() && p.Top == 0 && !slices.Contains(p.Aggs, Last)
}

// ofNames are the conditions on the names of pods and of what is not in one.
func (q Query) ofNames(prefix string) []condition {
	var list []condition
	for column, globs := range map[string][]string{
		"cluster": q.Clusters, "namespace": q.Namespaces, "pod": q.Pods, "container": q.Containers, "node": q.Nodes,
	} {
		if len(globs) > 0 && !(column == "node" && q.nodesOfPods()) {
			list = append(list, matching(prefix+column, globs))
		}
	}
	if len(q.ExcludeNamespaces) > 0 {
		c := matching(prefix+"namespace", q.ExcludeNamespaces)
		list = append(list, condition{"NOT (" + c.text + ")", c.args})
	}
	slices.SortFunc(list, func(a, b condition) int { return strings.Compare(a.text, b.text) })
	return list
}

// conditions are those on what the rows of a view are of.
func (q Query) conditions() []condition {
	list := q.ofMetric()
	list = append(list, q.ofNames("")...)
	for _, key := range slices.Sorted(maps.Keys(q.Labels)) {
		list = append(list, matching(key, []string{q.Labels[key]}))
	}
	return list
}

// ofMetric are the conditions that a view has which is not the kind's own.
func (q Query) ofMetric() []condition {
	var list []condition
	if q.long() || q.Metric.Family != schema.Unlabelled {
		list = append(list, condition{text: fmt.Sprintf("kind = '%v'", q.Kind)})
	}
	if q.long() {
		list = append(list, condition{"metric = ?", []any{string(q.Metric.Name)}})
	}
	return list
}

func (s Span) condition() []condition {
	return []condition{{"ts >= ?", []any{int64(s.From)}}, {"ts < ?", []any{int64(s.To)}}}
}

// value is the raw view's column of the metric.
func (q Query) value() string {
	switch {
	case q.long():
		return "value"
	case q.derived():
		return q.ratio()
	default:
		return q.Metric.Column()
	}
}

// rolled is the column of a rollup view.
func (q Query) rolled(what string) string {
	switch {
	case !q.long():
		return q.Metric.Column() + "_" + what
	case what == "count":
		return "samples"
	default:
		return what
	}
}

// cells writes the SELECT of a segment's cells.
func (p Plan) cells(b *builder, s Segment) {
	switch {
	case s.Level != archive.Raw && p.derived():
		p.ratioCells(b, s)
	case s.Level != archive.Raw:
		p.rolledCells(b, s)
	case p.byTheHour():
		p.hourCells(b, s)
	case p.cellsAreSteps():
		b.add("SELECT " + p.list("min(t - t % 3600)", func(name string) string {
			return over(name) + "(" + name + ")"
		}) + "\n  FROM (")
		p.rawCells(b, s)
		b.add(")\n  GROUP BY " + p.keys() + ", t - t % 3600")
	default:
		p.rawCells(b, s)
	}
}

// over is the SQL function that puts cells together.
func over(cell string) string {
	return cmp.Or(map[string]string{"low": "min", "high": "max", "since": "min", "until": "max"}[cell], "sum")
}

// list writes the columns of a SELECT: the groups', t, and what is needed.
func (p Plan) list(t string, cell func(string) string) string {
	columns := append(columnNames(p.Groups()), t+" AS t")
	for _, name := range p.needs() {
		columns = append(columns, cell(name)+" AS "+name)
	}
	return strings.Join(columns, ", ")
}

// rawCells are made of raw rows.
func (p Plan) rawCells(b *builder, s Segment) {
	grown := slices.Contains(p.needs(), "inc")
	value := p.value()
	if grown {
		value = "v"
	}
	b.add("SELECT " + p.list("ts", func(name string) string {
		text := value
		switch {
		case name == "m", name == "n" && !p.summed():
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
		if !p.summed() {
			return text
		}
		return map[bool]string{true: over(name), false: "sum"}[slices.Contains(spanCells, name)] + "(" + text + ")"
	}) + "\n  FROM ")
	if grown {
		p.identify(b, archive.Raw, func() { p.grown(b, s) })
	} else {
		p.rows(b, p.View(), archive.Raw, []string{value}, append(append(p.conditions(), s.condition()...), condition{text: value + " IS NOT NULL"}))
	}
	if p.summed() {
		b.add("\n  GROUP BY " + p.keys() + ", ts")
	}
}

// lookBack is how far before a range the sample before its first one is looked
// for among others: what is older is looked up one series at a time.
const lookBack = 2 * 3600

// grown writes a counter's values, each with the one before: v and before.
func (p Plan) grown(b *builder, s Segment) {
	series := strings.Join(p.series(), ", ")
	before := Span{s.From - lookBack, s.To}
	b.add("(SELECT " + series + ", ts, v")
	p.before(b, "before", p.value(), before.From)
	lag := func(value string) string {
		return "lag(" + value + ") OVER (PARTITION BY " + series + " ORDER BY ts)"
	}
	columns := p.value() + " AS v, " + lag(p.value()) + " AS before"
	if slices.Contains(p.needs(), "since") {
		p.before(b, "before_ts", "ts", before.From)
		columns += ", " + lag("ts") + " AS before_ts"
	}
	b.add("\n    FROM (SELECT " + series + ", ts, " + columns + "\n      FROM " + p.View())
	b.where(append(append(p.conditions(), before.condition()...), condition{text: p.value() + " IS NOT NULL"}))
	b.add(") AS x WHERE ts >= ?)", int64(s.From))
}

// before writes a column of the row x with what the series had in the row before,
// which is looked up if that is older than the rows that are read.
func (p Plan) before(b *builder, name, value string, from schema.Instant) {
	b.add(",\n      ifnull(" + name + ", (SELECT " + value + " FROM " + p.View() + " AS b")
	same := p.ofMetric()
	for _, column := range p.series() {
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

// hourCells are what hours of raw rows come to, with percentiles. Groups are
// series. More conditions may be given.
func (p Plan) hourCells(b *builder, s Segment, more ...condition) {
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
			return fmt.Sprintf("min(CASE WHEN place * 100 >= places * %s THEN v END)", name[1:])
		}
	}))
	b.add("\n  FROM (SELECT " + groups + ", ts, " + p.value() + " AS v, row_number() OVER (PARTITION BY " + groups + ", " + hour + " ORDER BY " + p.value() +
		") AS place,\n      count(*) OVER (PARTITION BY " + groups + ", " + hour + ") AS places\n    FROM ")
	conditions := append(append(p.conditions(), s.condition()...), condition{text: p.value() + " IS NOT NULL"})
	p.rows(b, p.View(), archive.Raw, []string{p.value()}, append(conditions, more...))
	b.add(")\n  GROUP BY " + groups + ", " + hour)
}

// rolledColumns are the rollup's words for cells.
var rolledColumns = map[string]string{
	"n": "count", "s": "sum", "low": "min", "high": "max", "inc": "increase", "last": "last", "p50": "p50", "p95": "p95",
}

// ofBatches are the cells of sums for which the number of batches is needed.
var ofBatches = []string{"m", "low", "high"}

// rolledCells are made of rows of a rollup.
func (p Plan) rolledCells(b *builder, s Segment) {
	view := s.Level.View(p.View())
	there := condition{text: p.rolled("min") + " IS NOT NULL"}
	if p.counter() {
		there = condition{text: p.rolled("increase") + " IS NOT NULL"}
	}
	conditions := append(append(p.conditions(), s.condition()...), there)
	from := view
	if slices.Contains(p.needs(), "since") {
		from = p.lived(view)
	}
	if !p.summed() {
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
		b.where(append(p.ofMetric(), s.condition()...))
		b.add(" GROUP BY cluster, ts) USING (cluster, ts)")
	}
	b.add("\n  GROUP BY " + p.keys() + ", ts")
}

// rolledSum is a cell of a sum of series. How many moments there was something
// of them, no rollup says: at most as many as there were batches, which is what
// the series of the kind have that has most, and as there are samples of the
// group. A series that was not there at all of them was 0 at some.
func (p Plan) rolledSum(name string) string {
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

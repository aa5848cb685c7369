package answer

import (
	"fmt"
	"strings"
	"time"

	"heapstash/archive/query"
)

// A row is a sample. Its columns are the names of the series, the moment t, and the
// value. A value is one column v, or two columns where the view may have integers and
// floats: v for exact integers, x for all numbers as floats, and f, which is 1 for a
// float. A counter's rows also have its growth (inc, incx and incf), and when that
// began (since).

// rows returns the FROM of the rows in the span.
func (p plan) rows() string {
	if p.needsGrowth() {
		return p.identified(p.grown())
	}
	return p.identified(p.samples(p.span()))
}

// samples returns the rows without growth that meet more conditions.
func (p plan) samples(s query.Span, more ...string) string {
	t, i := p.table()
	narrow := func() string {
		conditions := append(append(append(p.ofNarrow(), within(s)...), more...), "(integer IS NOT NULL OR float IS NOT NULL)")
		return "SELECT " + list(p.named(), []string{"ts AS t"}, p.narrowValues()) + "\n  FROM " + layout.Narrow.Rows() + " FINAL" + where(conditions)
	}
	if t == nil {
		return "(" + narrow() + ")"
	}
	values, present := p.wideValues(t, i)
	conditions := append(append(append(p.ofTable(t), within(s)...), more...), present)
	if p.isIntegers() {
		conditions = append(conditions, p.guard())
	}
	wide := "SELECT " + list(p.named(), []string{"ts AS t"}, values) + "\n  FROM " + t.Rows() + " FINAL" + where(conditions)
	if p.isIntegers() || p.IsRatio() {
		return "(" + wide + ")"
	}
	return "(" + wide + "\n  UNION ALL\n  " + narrow() + ")"
}

// lookBack is how many seconds before a span its rows are read, to find the row before
// each series' first one. Older rows are read of the other series only.
const lookBack = 2 * 3600

// grown returns the rows with growth. Each series is an array of its samples in the
// order of time, with the last one before the span.
func (p plan) grown() string {
	series := strings.Join(columns(p.Series()), ", ")
	s := p.span()
	values := p.valueNames()
	tuple := "(t, " + strings.Join(values, ", ") + ")"
	recent := query.Span{From: max(s.From-lookBack, 0), To: s.To}
	before := query.Span{To: recent.From}
	entities := strings.Join(append([]string{"cluster"}, p.Kind.NameColumns()...), ", ")
	late := "(" + entities + ") GLOBAL IN (SELECT " + entities + " FROM (SELECT " + series + ", min(t) FROM " + p.samples(recent) + " AS r\n" +
		fmt.Sprintf("    GROUP BY %s HAVING min(t) >= %d) AS l)", series, s.From)
	older := make([]string, len(values))
	for i, name := range values {
		older[i] = fmt.Sprintf("argMax(%s, t)", name)
	}
	all := "(SELECT " + series + ", t, " + strings.Join(values, ", ") + "\n  FROM " + p.samples(recent) + "\n" +
		"  UNION ALL\n  SELECT " + series + ", max(t), " + strings.Join(older, ", ") + "\n  FROM " + p.samples(before, late) + "\n  GROUP BY " + series + ")"
	sorted := "(SELECT " + series + ", arraySort(groupArray(" + tuple + ")) AS history\n  FROM " + all + "\n  GROUP BY " + series + ")"

	// In each pair, b is the sample before a; the first sample is before itself.
	var fields, names []string
	field := func(name, text string) {
		fields = append(fields, text)
		names = append(names, fmt.Sprintf("row.%d AS %s", len(fields), name))
	}
	field("t", "a.1")
	for i, name := range values {
		field(name, fmt.Sprintf("a.%d", i+2))
	}
	less, first := "a.2 < b.2", "a.1 = b.1"
	if p.isMixed() {
		less = number{"a.2", "a.3", "a.4"}.less(number{"b.2", "b.3", "b.4"})
		// A difference that does not fit is a float.
		isFloat := fmt.Sprintf("if(%s, 0, if(%s, a.4, a.4 + b.4 > 0 OR a.2 - b.2 < 0))", first, less)
		field("inc", fmt.Sprintf("if(%s = 0, if(%s, a.2, a.2 - b.2), toInt64(0))", isFloat, less))
		field("incx", fmt.Sprintf("if(%[1]s, 0., if(%[2]s, a.3, if(%[3]s = 0, toFloat64(a.2 - b.2), a.3 - b.3)))", first, less, isFloat))
		field("incf", isFloat)
	} else {
		field("inc", fmt.Sprintf("if(%s, a.2, a.2 - b.2)", less))
	}
	field("since", fmt.Sprintf("if(%s AND a.1 - b.1 > %d, a.1, b.1)", less, query.Absence/time.Second))
	return "(SELECT " + series + ", " + strings.Join(names, ", ") + "\n" +
		"  FROM " + sorted + "\n" +
		"  ARRAY JOIN arrayMap((a, b) -> (" + strings.Join(fields, ", ") + "), history, arrayPushFront(arrayPopBack(history), history[1])) AS row\n" +
		fmt.Sprintf("  WHERE row.1 >= %d)", s.From)
}

package answer

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
)

// The rows of each segment are brought to cells. A cell is of a series and a row
// or, where aggregates are of sums, of a group and a moment (or hour, or day). Its
// columns are the names of the group and:
//
//	t                  when it begins
//	n, s, low, high    number, sum, least and greatest of the samples
//	m                  of a sum of series: the number of moments with samples
//	inc, last          a counter's growth, and the last value
//	since, until       when that growth began and ended
//	p50, p95           percentiles of the hour
//
// Only the columns that the aggregates need are there.
var cellsOf = map[query.Agg][]string{
	query.Avg: {"n", "s"}, query.Min: {"low"}, query.Max: {"high"}, query.Sum: {"s"}, query.Count: {"n"}, query.Last: {"last"},
	query.Increase: {"inc"}, query.Rate: {"inc", "since", "until"}, query.P50: {"p50"}, query.P95: {"p95"},
}

// needs returns the columns that cells have beside names and t, sorted.
func (p plan) needs() []string {
	need := make(map[string]bool)
	for _, agg := range p.Aggs {
		cells := cellsOf[agg]
		switch {
		case agg.Percent() > 0 && p.Level == archive.Raw:
			cells = []string{"s"}
		case agg == query.Avg && p.IsSummed():
			cells = []string{"m", "s"}
		}
		for _, cell := range cells {
			need[cell] = true
		}
	}
	return slices.Sorted(maps.Keys(need))
}

// needsSpan reports whether cells have since and until.
func (p plan) needsSpan() bool { return slices.Contains(p.needs(), "since") }

// byTheHour reports whether cells of raw rows are hours, because percentiles of
// rollups are.
func (p plan) byTheHour() bool {
	return p.Level != archive.Raw && slices.ContainsFunc(p.Aggs, func(agg query.Agg) bool { return agg.Percent() > 0 })
}

// cellsAreSteps reports whether each group has one cell in each step, as series
// have by the hour. Grouping would take longer than reading a year of hours.
// Segments do not share an hour.
func (p plan) cellsAreSteps() bool {
	return p.Level == archive.Hourly && p.Step == archive.Hourly.Length() && p.IsSingle() && p.Top == 0 && !slices.Contains(p.Aggs, query.Last)
}

// cells adds the SELECT of a segment's cells.
func (p plan) cells(b *builder, s query.Segment) {
	switch {
	case s.Level != archive.Raw && p.IsRatio():
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

// over returns the SQL function that puts cells together.
func over(cell string) string {
	return cmp.Or(map[string]string{"low": "min", "high": "max", "since": "min", "until": "max"}[cell], "sum")
}

// list returns the columns of a SELECT of cells.
func (p plan) list(t string, cell func(string) string) string {
	list := append(columns(p.Groups()), t+" AS t")
	for _, name := range p.needs() {
		list = append(list, cell(name)+" AS "+name)
	}
	return strings.Join(list, ", ")
}

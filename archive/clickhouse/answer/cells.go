package answer

import (
	"fmt"
	"slices"

	"heapstash/archive/query"
)

// Rows are brought to cells. Where each group is a series, a row is a cell. Else a
// cell is of a group and a moment, and has the sums of the group's rows (cell_v and so on) or, where they
// may not be summed, what their aggregates are made of. Its columns are those of rows,
// and:
//
//	n          number of samples
//	low, high  the least and the greatest value, of cells that are not sums
//	last       the average, of cells that are not sums
//	every       all values, of cells that are not sums

// isSpread reports whether cells have several values that may not be summed.
func (p plan) isSpread() bool { return !p.IsSingle() && !p.IsSummed() }

// cells returns the FROM of the cells.
func (p plan) cells() string {
	from := p.rows()
	if p.IsSingle() {
		return from
	}
	list := append(columns(p.Groups()), "t", "count() AS n")
	for _, name := range p.rowColumns()[1:] {
		text := sum(name, name == "v" && p.isExact() || name == "inc" && p.isExact())
		switch name {
		case "f", "incf":
			text = "max(" + name + ")"
		case "since":
			text = "min(since)"
		}
		list = append(list, text+" AS "+p.cell(name))
	}
	if p.isSpread() {
		list = append(list, "min(v) AS low", "max(v) AS high", "avg(toFloat64(v)) AS last", "groupArray(v) AS every")
	}
	return "(SELECT " + join(list) + "\n  FROM " + from + " AS r\n  GROUP BY " + p.keys() + ", t)"
}

// cell returns a cell's column that is made of the rows' column.
func (p plan) cell(name string) string {
	if p.IsSingle() {
		return name
	}
	return "cell_" + name
}

// needsGrowth reports whether rows have growth.
func (p plan) needsGrowth() bool {
	return slices.Contains(p.Aggs, query.Increase) || slices.Contains(p.Aggs, query.Rate)
}

// sum returns the sum of a column. Sums of integers beyond 64 bits are an error: the
// server would wrap them.
func sum(column string, exact bool) string {
	if !exact {
		return "sum(" + column + ")"
	}
	return fmt.Sprintf("sum(%[1]s) + throwIf(abs(sum(toFloat64(%[1]s)) - sum(%[1]s)) > 1e18)", column)
}

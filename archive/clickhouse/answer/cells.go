package answer

import (
	"slices"

	"heapstash/archive/query"
)

// Rows are brought to cells. Where each group is a series, a row is a cell. Else a
// cell is of a group and a moment. It has the sums of the group's rows (cell_v and so on)
// and their number n; or, where values may not be summed, the parts of aggregates
// (cell_least and so on).

// isSpread reports whether cells have several values that may not be summed.
func (p plan) isSpread() bool { return !p.IsSingle() && !p.IsSummed() }

// cells returns the FROM of the cells.
func (p plan) cells() string {
	from := p.rows()
	if p.IsSingle() {
		return from
	}
	list := append(columns(p.Groups()), "t")
	add := func(text, name string) { list = append(list, text+" AS cell_"+name) }
	if p.isSpread() {
		for _, part := range p.parts() {
			add(part.of, part.name)
		}
	} else {
		list = append(list, "count() AS n")
		names := []string{"v"}
		if p.needsGrowth() {
			names = append(names, "inc")
			add("min(since)", "since")
		}
		for _, name := range names {
			if n := p.rowNumber(name); n.isMixed() {
				total := n.sum()
				add(total.v, n.v)
				add(total.x, n.x)
				add(total.f, n.f)
			} else {
				add(sum(n.v, p.isExact()), n.v)
			}
		}
	}
	return "(SELECT " + join(list) + "\n  FROM " + from + " AS r\n  GROUP BY " + p.keys() + ", t)"
}

// cell returns the column that parts are made of: the rows', or the cells' sum of it.
func (p plan) cell(name string) string {
	if p.IsSummed() {
		return "cell_" + name
	}
	return name
}

// needsGrowth reports whether rows have growth.
func (p plan) needsGrowth() bool {
	return slices.Contains(p.Aggs, query.Increase) || slices.Contains(p.Aggs, query.Rate)
}

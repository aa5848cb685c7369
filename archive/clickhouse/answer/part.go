package answer

import (
	"fmt"

	"heapstash/archive/query"
)

// part is a part of an aggregate: its name, its SQL over the cells of a group, and its
// SQL over the parts of several steps.
type part struct{ name, of, over string }

// partsOf returns the parts of an aggregate. Where values are mixed, a part of v has a
// twin of x, and a part that tells whether there are floats.
func (p plan) partsOf(agg query.Agg) []part {
	aggregate := func(function, name, spread string) []part {
		return p.twins("v", name, func(v, name string, _ bool) (of, over string) {
			if p.isSpread() {
				v = spread
			}
			return function + "(" + v + ")", function + "(" + name + ")"
		})
	}
	sums := func(v, name string) []part {
		return p.twins(v, name, func(v, name string, exact bool) (of, over string) { return sum(v, exact), sum(name, exact) })
	}
	switch agg {
	case query.Count:
		return []part{{"samples", p.ofSingle("count()", "sum(n)"), "sum(samples)"}}
	case query.Avg:
		moments := "count()"
		if p.isSpread() {
			moments = "sum(n)"
		}
		return []part{{"total", "sum(toFloat64(" + p.number("v") + "))", "sum(total)"}, {"moments", moments, "sum(moments)"}}
	case query.Min:
		return aggregate("min", "least", "low")
	case query.Max:
		return aggregate("max", "greatest", "high")
	case query.Sum:
		return sums("v", "added")
	case query.Increase:
		return sums("inc", "grown")
	case query.Last:
		parts := p.twins("v", "newest", func(v, name string, _ bool) (of, over string) {
			if p.isSpread() {
				v = "last"
			}
			return "argMax(" + v + ", t)", "argMax(" + name + ", newest_t)"
		})
		return append(parts, part{"newest_t", "max(t)", "max(newest_t)"})
	case query.Rate:
		return []part{
			{"growth", "sum(toFloat64(" + p.number("inc") + "))", "sum(growth)"},
			{"begun", "min(" + p.cell("since") + ")", "min(begun)"},
			{"ended", "max(t)", "max(ended)"},
		}
	default:
		return p.twins("v", "sorted", func(v, name string, _ bool) (of, over string) {
			of, over = "groupArray("+v+")", "groupArrayArray("+name+")"
			if p.isSpread() {
				of = "groupArrayArray(every)"
			}
			return "arraySort(" + of + ")", "arraySort(" + over + ")"
		})
	}
}

// ofSingle returns the first text where groups are series, else the second.
func (p plan) ofSingle(single, other string) string {
	if p.IsSingle() {
		return single
	}
	return other
}

// twin is the column that has the floats, too.
var twin = map[string]string{"v": "x", "inc": "incx"}

// number returns the cells' column that has every value.
func (p plan) number(name string) string {
	if p.isMixed() {
		name = twin[name]
	}
	return p.cell(name)
}

// twins returns a part of a column and, where values are mixed, one of its twin and
// whether there are floats.
func (p plan) twins(column, name string, of func(column, name string, exact bool) (of, over string)) []part {
	one := func(column, name string, exact bool) part {
		text, over := of(p.cell(column), name, exact)
		return part{name, text, over}
	}
	parts := []part{one(column, name, p.isExact())}
	if p.isMixed() {
		floats := map[string]string{"v": "f", "inc": "incf"}[column]
		parts = append(parts, one(twin[column], name+"_x", false), part{name + "_f", "max(" + p.cell(floats) + ")", "max(" + name + "_f)"})
	}
	return parts
}

// isTwin reports whether the aggregate has parts that are twins.
func (p plan) isTwin(agg query.Agg) bool {
	return p.isMixed() && agg != query.Avg && agg != query.Rate && agg != query.Count
}

// final returns the aggregate, made of its parts. Where values are mixed, it is a text.
func (p plan) final(agg query.Agg) string {
	if !p.isTwin(agg) {
		return made(agg, "", "")
	}
	return number(p.partsOf(agg)[2].name, made(agg, "", ""), made(agg, "", "_x"))
}

// rank returns the number by which groups are ranked. Its parts have a prefix.
func (p plan) rank(prefix string) string {
	if p.isTwin(p.Aggs[0]) {
		return made(p.Aggs[0], prefix, "_x")
	}
	return made(p.Aggs[0], prefix, "")
}

// made returns the aggregate, made of the parts with the prefix and the suffix.
func made(agg query.Agg, prefix, suffix string) string {
	one := func(name string) string { return prefix + name + suffix }
	switch agg {
	case query.Count:
		return "toInt64(" + one("samples") + ")"
	case query.Avg:
		return one("total") + " / " + one("moments")
	case query.Rate:
		return fmt.Sprintf("if(%[3]s > %[2]s, %[1]s / (%[3]s - %[2]s), NULL)", one("growth"), one("begun"), one("ended"))
	case query.Min:
		return one("least")
	case query.Max:
		return one("greatest")
	case query.Sum:
		return one("added")
	case query.Increase:
		return one("grown")
	case query.Last:
		return one("newest")
	default:
		return fmt.Sprintf("%[1]s[intDiv(length(%[1]s) * %[2]d + 99, 100)]", one("sorted"), agg.Percent())
	}
}

package answer

import (
	"fmt"

	"heapstash/archive/query"
)

// part is a part of an aggregate: its name, its SQL over the values of a group, and its
// SQL over the parts of several steps or moments, whose names have a prefix.
type part struct {
	name, of string
	over     func(prefix string) string
}

// merged returns a part that is merged by the function.
func merged(name, of, function string) part {
	return part{name, of, func(prefix string) string { return function + "(" + prefix + name + ")" }}
}

// parts returns the parts of all aggregates, each once.
func (p plan) parts() (parts []part) {
	done := make(map[string]bool)
	for _, agg := range p.Aggs {
		for _, part := range p.partsOf(agg) {
			if !done[part.name] {
				parts = append(parts, part)
				done[part.name] = true
			}
		}
	}
	return parts
}

// partsOf returns the parts of an aggregate.
func (p plan) partsOf(agg query.Agg) []part {
	v, grown := p.numberOf("v"), p.numberOf("inc")
	switch agg {
	case query.Count:
		return []part{merged("samples", p.ofSummed("count()", "sum(n)"), "sum")}
	case query.Avg:
		return []part{merged("total", v.total(p.isExact()), "sum"), merged("moments", "count()", "sum")}
	case query.Min:
		return v.extremes("min", "least", "9223372036854775807", "inf")
	case query.Max:
		return v.extremes("max", "greatest", "-9223372036854775808", "-inf")
	case query.Sum:
		return v.sums("added", p.isExact())
	case query.Increase:
		return grown.sums("grown", p.isExact())
	case query.Last:
		if p.isSpread() {
			v = number{v: "avg(" + v.float() + ")"}
		}
		return append(v.newest("newest", p.isSpread()), merged("newest_t", "max(t)", "max"))
	case query.Rate:
		return []part{
			merged("growth", grown.total(p.isExact()), "sum"),
			merged("begun", "min("+p.cell("since")+")", "min"),
			merged("ended", "max(t)", "max"),
		}
	default:
		of := v.v
		if v.isMixed() {
			of = "(" + list(v.order(), []string{v.f}) + ")"
		}
		return []part{{"sorted", "arraySort(groupArray(" + of + "))", func(prefix string) string { return "arraySort(groupArrayArray(" + prefix + "sorted))" }}}
	}
}

// ofSummed returns the first text where cells are rows, else the second.
func (p plan) ofSummed(rows, sums string) string {
	if p.IsSummed() {
		return sums
	}
	return rows
}

// numberOf returns the columns of a cell's number.
func (p plan) numberOf(name string) number {
	n := p.rowNumber(name)
	if !n.isMixed() {
		return number{v: p.cell(n.v)}
	}
	return number{p.cell(n.v), p.cell(n.x), p.cell(n.f)}
}

// extremes returns the parts of the least or the greatest number: of integers and, where
// they are mixed, of floats, and whether there are integers and floats.
func (n number) extremes(function, name, noInteger, noFloat string) []part {
	if !n.isMixed() {
		return []part{merged(name, function+"("+n.v+")", function)}
	}
	return []part{
		merged(name, fmt.Sprintf("%s(if(%s = 0, %s, toInt64('%s')))", function, n.f, n.v, noInteger), function),
		merged(name+"_x", fmt.Sprintf("%s(if(%s = 0, %s, %s))", function, n.f, noFloat, n.x), function),
		merged("integers", "max("+n.f+" = 0)", "max"),
		merged("floats", "max("+n.f+" != 0)", "max"),
	}
}

// sums returns the parts of the sum.
func (n number) sums(name string, exact bool) []part {
	if !n.isMixed() {
		return []part{{name, sum(n.v, exact), func(prefix string) string { return sum(prefix+name, exact) }}}
	}
	at := func(prefix string) number { return named(prefix + name).sum() }
	return []part{
		{name, n.sum().v, func(prefix string) string { return at(prefix).v }},
		{name + "_x", n.sum().x, func(prefix string) string { return at(prefix).x }},
		{name + "_f", n.sum().f, func(prefix string) string { return at(prefix).f }},
	}
}

// newest returns the parts of the number at the newest moment.
func (n number) newest(name string, ofMoment bool) (parts []part) {
	for _, column := range []struct{ text, name string }{{n.v, name}, {n.x, name + "_x"}, {n.f, name + "_f"}} {
		if column.text == "" {
			continue
		}
		of := "argMax(" + column.text + ", t)"
		if ofMoment {
			of = column.text
		}
		parts = append(parts, part{column.name, of, func(prefix string) string {
			return "argMax(" + prefix + column.name + ", " + prefix + "newest_t)"
		}})
	}
	return parts
}

// value returns the aggregate, made of its parts, whose names have a prefix.
func (p plan) value(agg query.Agg, prefix string) number {
	mixed := p.isMixed()
	one := func(name string) number {
		if mixed {
			return named(prefix + name)
		}
		return number{v: prefix + name}
	}
	switch agg {
	case query.Count:
		return number{v: "toInt64(" + prefix + "samples)"}
	case query.Avg:
		return number{v: prefix + "total / " + prefix + "moments"}
	case query.Rate:
		return number{v: fmt.Sprintf("if(%[1]sended > %[1]sbegun, %[1]sgrowth / (%[1]sended - %[1]sbegun), NULL)", prefix)}
	case query.Min:
		return one("least").extreme(prefix, "")
	case query.Max:
		return one("greatest").extreme(prefix, "NOT ")
	case query.Sum:
		return one("added")
	case query.Increase:
		return one("grown")
	case query.Last:
		mixed = mixed && !p.isSpread()
		return one("newest")
	default:
		text := fmt.Sprintf("%[1]s[intDiv(length(%[1]s) * %[2]d + 99, 100)]", prefix+"sorted", agg.Percent())
		if mixed {
			return number{x: text + ".1", v: text + ".2", f: text + ".3"}
		}
		return number{v: text}
	}
}

// extreme returns the least or the greatest of an integer and a float. It is the float
// if that is less; or, after a NOT, if it is not less.
func (n number) extreme(prefix, not string) number {
	if !n.isMixed() {
		return n
	}
	x := number{n.v, n.x, "1"}
	f := fmt.Sprintf("(%[1]sfloats AND (NOT %[1]sintegers OR %[2]s%[3]s))", prefix, not, x.less(number{n.v, "toFloat64(" + n.v + ")", "0"}))
	return number{n.v, fmt.Sprintf("if(%s, %s, toFloat64(%s))", f, n.x, n.v), f}
}

// final returns the aggregate's column. Where values are mixed, it is a text.
func (p plan) final(agg query.Agg) string { return p.value(agg, "").text() }

// rank returns the numbers by which groups are ranked. Their parts have a prefix.
func (p plan) rank(prefix string) []string { return p.value(p.Aggs[0], prefix).order() }

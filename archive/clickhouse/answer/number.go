package answer

import "fmt"

// number is SQL of a number. Where there may be integers and floats, it is three texts:
// v is the integer (0 or anything of a float), x the nearest float of either, and f is 0
// for an integer. Else v is the number, and the others are empty.
type number struct{ v, x, f string }

// named returns the number whose columns have the name.
func named(name string) number { return number{name, name + "_x", name + "_f"} }

// isMixed reports whether there may be integers and floats.
func (n number) isMixed() bool { return n.f != "" }

// float returns the number as a float.
func (n number) float() string {
	if n.isMixed() {
		return n.x
	}
	return "toFloat64(" + n.v + ")"
}

// order returns what numbers are sorted by, exactly: no integer is rounded.
func (n number) order() []string {
	if !n.isMixed() {
		return []string{n.v}
	}
	return []string{n.x, n.integer()}
}

// integer returns an integer that tells numbers apart whose nearest floats are equal.
func (n number) integer() string {
	cut := fmt.Sprintf("if(%[1]s < 9.223372036854775807e18, toInt64(%[1]s), toInt64(9223372036854775807))", n.x)
	switch n.f {
	case "0":
		return n.v
	case "1":
		return cut
	default:
		return fmt.Sprintf("if(%s = 0, %s, %s)", n.f, n.v, cut)
	}
}

// less returns the condition that the number is less than another one, exactly.
func (n number) less(than number) string {
	return fmt.Sprintf("(%[1]s < %[2]s OR %[1]s = %[2]s AND %[3]s < %[4]s)", n.x, than.x, n.integer(), than.integer())
}

// text spells a number where there may be integers and floats, because a column has one
// type. A float is spelled so that it is not taken for an integer.
func (n number) text() string {
	if !n.isMixed() {
		return n.v
	}
	return fmt.Sprintf("if(%[1]s = 0, toString(%[2]s), if(match(toString(%[3]s), '[.a-z]'), toString(%[3]s), concat(toString(%[3]s), '.0')))", n.f, n.v, n.x)
}

// wrapped is the condition that the sum of a column of integers is beyond 64 bits: the
// server wraps it.
func wrapped(column string) string {
	return fmt.Sprintf("abs(sum(toFloat64(%[1]s)) - sum(%[1]s)) > 1e18", column)
}

// sum returns the sum of a column. Sums of integers beyond 64 bits are an error.
func sum(column string, exact bool) string {
	if !exact {
		return "sum(" + column + ")"
	}
	return fmt.Sprintf("sum(%s) + throwIf(%s)", column, wrapped(column))
}

// sum returns the sum of numbers of which v is 0 for a float. It is an integer if all are,
// and an error then if it is beyond 64 bits.
func (n number) sum() number {
	f := "max(" + n.f + ")"
	return number{
		fmt.Sprintf("if(%[1]s = 0, sum(%[2]s), toInt64(0)) + throwIf(%[1]s = 0 AND %[3]s)", f, n.v, wrapped(n.v)),
		n.total(true), f,
	}
}

// total returns the sum as a float: the sum of the integers is rounded once.
func (n number) total(exact bool) string {
	if !exact {
		return "sum(" + n.v + ")"
	}
	text := fmt.Sprintf("if(%[2]s, sum(toFloat64(%[1]s)), toFloat64(sum(%[1]s)))", n.v, wrapped(n.v))
	if n.isMixed() {
		text += fmt.Sprintf(" + sum(if(%s = 0, 0., %s))", n.f, n.x)
	}
	return text
}

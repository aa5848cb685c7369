package answer

import (
	"fmt"

	"heapstash/archive/clickhouse/tables"
)

// isMixed reports whether there may be integers and floats of the metric.
func (p plan) isMixed() bool { return !p.isIntegers() && !p.IsRatio() }

// isIntegers reports whether there are integers only.
func (p plan) isIntegers() bool {
	t, _ := p.table()
	return t != nil && !p.Metric.IsFloat() && !p.strays
}

// isExact reports whether v is an integer.
func (p plan) isExact() bool { return p.isMixed() || p.isIntegers() }

// valueNames returns the columns of a row's value.
func (p plan) valueNames() []string {
	if p.isMixed() {
		return []string{"v", "x", "f"}
	}
	return []string{"v"}
}

// wideValues returns the columns of a row's value in a wide table, and the condition
// that it has one.
func (p plan) wideValues(t *tables.Table, i int) (values []string, present string) {
	name := t.Metrics[i].Column()
	value, present := "assumeNotNull("+name+")", name+" IS NOT NULL"
	bit := t.Bit(i)
	switch {
	case p.IsRatio():
		return []string{"assumeNotNull(" + t.Ratio(i) + ") AS v"}, t.Ratio(i) + " IS NOT NULL"
	case p.isIntegers():
		return []string{value + " AS v"}, present
	case bit == 0:
		return []string{value + " AS v", "toFloat64(" + value + ") AS x", "0 AS f"}, present
	default:
		whole := fmt.Sprintf("bitAnd(%s, %d) != 0", tables.Integers, bit)
		return []string{"if(" + whole + ", toInt64(" + value + "), 0) AS v", value + " AS x", "NOT " + whole + " AS f"}, present
	}
}

// narrowValues returns the columns of a row's value in the narrow table.
func (p plan) narrowValues() []string {
	const number = "ifNull(float, toFloat64(assumeNotNull(integer)))"
	if !p.isMixed() {
		return []string{number + " AS v"}
	}
	return []string{"ifNull(integer, 0) AS v", number + " AS x", "isNull(integer) AS f"}
}

// guard returns the condition that there are no floats of a metric of integers. It
// fails the statement if there are.
func (p plan) guard() string {
	conditions := []string{"metric = " + tables.Literal(string(p.Metric.Name)), fmt.Sprintf("kind = '%v'", p.Kind), "(integer IS NOT NULL OR float IS NOT NULL)"}
	return "throwIf((SELECT count() FROM " + layout.Narrow.Rows() + " FINAL" + where(conditions) + ") > 0) = 0"
}

// rowNumber returns the columns of a number of rows: v, or inc.
func (p plan) rowNumber(name string) number {
	switch {
	case !p.isMixed():
		return number{v: name}
	case name == "v":
		return number{"v", "x", "f"}
	default:
		return number{name, name + "x", name + "f"}
	}
}

// rowColumns returns the columns that rows have beside names.
func (p plan) rowColumns() []string {
	names := append([]string{"t"}, p.valueNames()...)
	if p.needsGrowth() {
		names = append(names, "inc")
		if p.isMixed() {
			names = append(names, "incx", "incf")
		}
		names = append(names, "since")
	}
	return names
}

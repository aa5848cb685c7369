package upkeep

import (
	"math"
	"slices"

	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// aggregate is what the values of one column come to in an hour or a day. The
// zero aggregate is of none.
type aggregate struct {
	// Of a gauge.
	count         int64
	min, max, sum schema.Value // where there is a count
	values        []schema.Value
	p50, p95      tables.Cell // of an hour

	// Of a counter: its growth, from the value before the hour on, unset where
	// it had no value in the hour; and its last value, which is carried on
	// through hours without one.
	increase, last tables.Cell
}

// gauge takes in a value, and keeps it where percentiles will be asked for.
func (a *aggregate) gauge(v schema.Value, keep bool) {
	a.merge(aggregate{count: 1, min: v, max: v, sum: v})
	if keep {
		a.values = append(a.values, v)
	}
}

// merge takes in another aggregate of the same gauge.
func (a *aggregate) merge(b aggregate) {
	switch {
	case b.count == 0:
	case a.count == 0:
		a.count, a.min, a.max, a.sum = b.count, b.min, b.max, b.sum
	default:
		a.count += b.count
		a.sum = plus(a.sum, b.sum)
		if tables.CompareValues(b.min, a.min) < 0 {
			a.min = b.min
		}
		if tables.CompareValues(b.max, a.max) > 0 {
			a.max = b.max
		}
	}
}

// counter takes in a later value. One that fell was reset, and has grown from
// 0. What the first value ever has grown by is not known, and counts as 0.
func (a *aggregate) counter(v schema.Value) {
	grown := schema.Int(0)
	switch {
	case !a.last.Set:
	case tables.CompareValues(v, a.last.Value) < 0:
		grown = v
	default:
		grown = minus(v, a.last.Value)
	}
	a.grow(grown)
	a.last = tables.CellOf(v)
}

func (a *aggregate) grow(by schema.Value) {
	if a.increase.Set {
		by = plus(a.increase.Value, by)
	}
	a.increase = tables.CellOf(by)
}

// percentiles finds them among the values that were kept, by nearest rank: each
// is one of the values.
func (a *aggregate) percentiles() {
	if len(a.values) == 0 {
		return
	}
	slices.SortFunc(a.values, tables.CompareValues)
	rank := func(percent int) tables.Cell {
		return tables.CellOf(a.values[(percent*len(a.values)+99)/100-1])
	}
	a.p50, a.p95 = rank(50), rank(95)
}

// plus is exact as long as an integer holds it, and a float beyond.
func plus(a, b schema.Value) schema.Value {
	x, isInt := a.Int64()
	y, areInts := b.Int64()
	if sum := x + y; isInt && areInts && (sum > x) == (y > 0) {
		return schema.Int(sum)
	}
	return schema.Real(a.Float64() + b.Float64())
}

// minus is a less b, as exact as plus.
func minus(a, b schema.Value) schema.Value {
	y, isInt := b.Int64()
	if isInt && y != math.MinInt64 {
		return plus(a, schema.Int(-y))
	}
	return plus(a, schema.Real(-b.Float64()))
}

// times is exact as long as an integer holds it, and a float beyond.
func times(v schema.Value, n int64) schema.Value {
	x, isInt := v.Int64()
	if product := x * n; isInt && (x == 0 || product/x == n && (x != -1 || n != math.MinInt64)) {
		return schema.Int(product)
	}
	return schema.Real(v.Float64() * float64(n))
}

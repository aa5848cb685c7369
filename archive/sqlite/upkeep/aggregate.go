package upkeep

import (
	"math"
	"slices"

	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// aggregate is the summary of a column's values over an hour or a day. The zero aggregate
// has no values.
type aggregate struct {
	// These belong to a gauge.
	count         int64
	min, max, sum schema.Value // valid if count > 0
	values        []schema.Value
	p50, p95      tables.NullValue // of an hour

	// These belong to a counter. increase is its growth since the value before the hour;
	// it is unset if the hour has no value. last is its last value, also from earlier
	// hours.
	increase, last tables.NullValue
}

// gauge adds a value. It keeps the value, if keep is set, for percentiles.
func (a *aggregate) gauge(v schema.Value, keep bool) {
	a.merge(aggregate{count: 1, min: v, max: v, sum: v})
	if keep {
		a.values = append(a.values, v)
	}
}

// merge adds another aggregate of the same gauge.
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

// counter adds a later value. If the value fell, the counter was reset and has grown from
// 0. The growth up to the very first value is unknown and counts as 0.
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
	a.last = tables.NotNull(v)
}

func (a *aggregate) grow(by schema.Value) {
	if a.increase.Set {
		by = plus(a.increase.Value, by)
	}
	a.increase = tables.NotNull(by)
}

// percentiles computes the percentiles of the kept values by nearest rank, so each is one
// of the values.
func (a *aggregate) percentiles() {
	if len(a.values) == 0 {
		return
	}
	slices.SortFunc(a.values, tables.CompareValues)
	rank := func(percent int) tables.NullValue {
		return tables.NotNull(a.values[(percent*len(a.values)+99)/100-1])
	}
	a.p50, a.p95 = rank(50), rank(95)
}

// plus returns a + b: an integer if it fits, otherwise a float.
func plus(a, b schema.Value) schema.Value {
	x, isInt := a.Int64()
	y, areInts := b.Int64()
	if sum := x + y; isInt && areInts && (sum > x) == (y > 0) {
		return schema.Int(sum)
	}
	return schema.Real(a.Float64() + b.Float64())
}

// minus returns a - b: an integer if it fits, otherwise a float.
func minus(a, b schema.Value) schema.Value {
	y, isInt := b.Int64()
	if isInt && y != math.MinInt64 {
		return plus(a, schema.Int(-y))
	}
	return plus(a, schema.Real(-b.Float64()))
}

// times returns v * n: an integer if it fits, otherwise a float.
func times(v schema.Value, n int64) schema.Value {
	x, isInt := v.Int64()
	if product := x * n; isInt && (x == 0 || product/x == n && (x != -1 || n != math.MinInt64)) {
		return schema.Int(product)
	}
	return schema.Real(v.Float64() * float64(n))
}

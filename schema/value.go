package schema

import (
	"math"
	"strconv"
	"strings"
)

// Value is one measured number: an int64, or a float64 if Heapster gave one. The
// zero Value is the integer 0.
//
// Values are compared with ==. 2 and 2.0 differ, as they do in the archive.
type Value struct {
	bits uint64
	real bool
}

// Int is an exact integer value.
func Int(v int64) Value { return Value{bits: uint64(v)} }

// Real is a floating-point value.
func Real(v float64) Value { return Value{bits: math.Float64bits(v), real: true} }

// Int64 returns the integer, and false if the value is a float.
func (v Value) Int64() (int64, bool) { return int64(v.bits), !v.real }

// Float64 returns the value as a float. An integer beyond 2^53 is rounded.
func (v Value) Float64() float64 {
	if v.real {
		return math.Float64frombits(v.bits)
	}
	return float64(int64(v.bits))
}

// CutFrom reports whether Heapster's model API shows the float exact as the integer
// v: truncated toward zero. (Its exportTimestampedMetricValue converts floats with
// int64().)
func (v Value) CutFrom(exact Value) bool {
	if v.real || !exact.real {
		return false
	}
	whole := math.Trunc(exact.Float64())
	return whole >= math.MinInt64 && whole < math.MaxInt64 && int64(whole) == int64(v.bits)
}

// Verdict is the result of [Value.Meet].
type Verdict int

// The verdicts.
const (
	Same        Verdict = iota // the new value adds nothing: it is equal, or cut from the old one
	Refined                    // the old value was cut from the new one, which replaces it
	Conflicting                // the values differ, and the old one stays
)

// Meet decides between two values of one series and moment: v, which is stored,
// and new. It returns the value that stays.
func (v Value) Meet(new Value) (Value, Verdict) {
	switch {
	case v == new || new.CutFrom(v):
		return v, Same
	case v.CutFrom(new):
		return new, Refined
	default:
		return v, Conflicting
	}
}

// String spells the value with all its digits and without an exponent: 2 is an
// integer, 2.0 a float. The text reads back as the same value.
func (v Value) String() string {
	if !v.real {
		return strconv.FormatInt(int64(v.bits), 10)
	}
	text := Decimal(v.Float64())
	if math.IsInf(v.Float64(), 0) || strings.Contains(text, ".") {
		return text
	}
	return text + ".0"
}

// MarshalJSON writes the value as String spells it. NaN and the infinities have no
// JSON form.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(v.String()), nil }

// Decimal spells a number with enough digits to read back the same number, and
// without an exponent: spreadsheets, sort and awk do not all read those.
func Decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Point is one value of a series.
type Point struct {
	At    Instant
	Value Value
}

// Reading is one metric's value within a [Row].
type Reading struct {
	Metric MetricName
	Value  Value
}

// Row holds the values of one entity at one moment. All metrics of a batch have the
// same moment, so that a batch is one row for each entity. A metric may be in it
// more than once, if Heapster gave it more than once.
type Row struct {
	Entity   Entity
	At       Instant
	Readings []Reading
}

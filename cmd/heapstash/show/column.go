package show

import (
	"math"
	"strconv"
	"strings"

	"heapstash/schema"
)

// mostDecimals bounds the decimals of a column.
const mostDecimals = 6

// Column is a column of numbers in one unit, which the header names. All its numbers
// have as many decimals, so that their points stand below each other when the cells
// are aligned to the right.
type Column struct {
	Name  string
	Scale Scale

	decimals int
	exact    bool // numbers have all their digits
}

// NewColumn returns the column for the values, which are nil, int64 or float64 in the
// metric's own unit. The greatest value has at least four digits and the least value
// two, with at most six decimals.
func NewColumn(name string, scale Scale, values []any) Column {
	c := Column{Name: name, Scale: scale}
	greatest, least, whole := 0.0, math.Inf(1), true
	for _, value := range values {
		v, ok := Float(value)
		v = math.Abs(v / scale.Size)
		if !ok || v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		greatest, least = max(greatest, v), min(least, v)
		whole = whole && v == math.Trunc(v)
	}
	if !whole {
		need := func(digits int, v float64) int { return digits - 1 - int(math.Floor(math.Log10(v))) }
		c.decimals = min(max(need(4, greatest), need(2, least), 0), mostDecimals)
	}
	return c
}

// NewExactColumn is [NewColumn] with all digits of the values.
func NewExactColumn(name string, scale Scale, values []any) Column {
	c := Column{Name: name, Scale: scale, exact: true}
	for _, v := range values {
		_, digits, _ := strings.Cut(exact(v, scale), ".")
		c.decimals = max(c.decimals, len(digits))
	}
	return c
}

// exact spells a value in the scale with all its digits. Integers stay exact in
// their own unit.
func exact(value any, scale Scale) string {
	if n, ok := value.(int64); ok && scale.Size == 1 {
		return strconv.FormatInt(n, 10)
	}
	v, ok := Float(value)
	if !ok {
		return ""
	}
	return schema.Decimal(v / scale.Size)
}

// Header returns the column's name with the unit: "avg (Mi)".
func (c Column) Header() string {
	if c.Scale.Name == "" {
		return c.Name
	}
	return c.Name + " (" + c.Scale.Name + ")"
}

// Cell spells a value, empty for nil.
func (c Column) Cell(value any) string {
	v, ok := Float(value)
	v /= c.Scale.Size
	switch {
	case !ok:
		return ""
	case math.IsInf(v, 0) || math.IsNaN(v):
		return schema.Decimal(v)
	case c.exact:
		text := exact(value, c.Scale)
		_, digits, found := strings.Cut(text, ".")
		if !found && c.decimals > 0 {
			text += " "
		}
		return text + strings.Repeat(" ", c.decimals-len(digits))
	}
	text := strconv.FormatFloat(v, 'f', c.decimals, 64)
	if v != 0 && strings.Trim(text, "-0.") == "" {
		// A value that is not 0 must not look like 0.
		least := strconv.FormatFloat(math.Pow10(-c.decimals), 'f', c.decimals, 64)
		return map[bool]string{true: "<" + least, false: ">-" + least}[v > 0]
	}
	return text
}

// Float returns a value as a float, if it is a number.
func Float(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

package tables

import (
	"cmp"
	"fmt"

	"heapstash/schema"
)

// CompareValues orders values by number. It compares two integers exactly.
func CompareValues(a, b schema.Value) int {
	x, isInt := a.Int64()
	y, areInts := b.Int64()
	if isInt && areInts {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a.Float64(), b.Float64())
}

// ScanKind scans a kind's name: [schema.Kind] does not know SQL.
type ScanKind struct{ Kind *schema.Kind }

// Scan implements [database/sql.Scanner].
func (k ScanKind) Scan(src any) error {
	name, _ := src.(string)
	parsed, err := schema.ParseKind(name)
	*k.Kind = parsed
	return err
}

// NullValue is a value or NULL.
type NullValue struct {
	Value schema.Value
	Set   bool
}

// NotNull returns the value as a NullValue.
func NotNull(v schema.Value) NullValue { return NullValue{v, true} }

// Scan implements [database/sql.Scanner].
func (c *NullValue) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*c = NullValue{}
	case int64:
		*c = NullValue{schema.Int(v), true}
	case float64:
		*c = NullValue{schema.Real(v), true}
	default:
		return fmt.Errorf("a sample's value is a %T", src)
	}
	return nil
}

// Bind returns the parameter of a SQL statement: int64, float64 or nil.
func (c NullValue) Bind() any {
	if !c.Set {
		return nil
	}
	return BindValue(c.Value)
}

// BindValue returns the value as the parameter of a SQL statement: int64 or float64.
func BindValue(v schema.Value) any {
	if i, ok := v.Int64(); ok {
		return i
	}
	return v.Float64()
}

// Added is [NullValue.Meet]'s verdict beside those of [schema.Value.Meet]: NULL became
// the value.
const Added schema.Verdict = -1

// Meet merges a value into c. See [schema.Value.Meet].
func (c *NullValue) Meet(v schema.Value) (verdict schema.Verdict) {
	if !c.Set {
		*c = NotNull(v)
		return Added
	}
	c.Value, verdict = c.Value.Meet(v)
	return verdict
}

// Pointers returns the row's targets for [database/sql.Rows.Scan].
func Pointers(row []NullValue) []any {
	dest := make([]any, len(row))
	for i := range row {
		dest[i] = &row[i]
	}
	return dest
}

// RowKey is the key of a row in a wide table. Its order is the hot tables' order.
type RowKey struct {
	At     schema.Instant
	Entity int64
}

// Compare compares the time first.
func (k RowKey) Compare(other RowKey) int {
	return cmp.Or(cmp.Compare(k.At, other.At), cmp.Compare(k.Entity, other.Entity))
}

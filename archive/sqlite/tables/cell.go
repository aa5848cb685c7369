package tables

import (
	"cmp"
	"fmt"
	"strings"

	"heapstash/schema"
)

func CompareValues(a, b schema.Value) int {
	x, isInt := a.Int64()
	y, areInts := b.Int64()
	if isInt && areInts {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a.Float64(), b.Float64())
}

// ScanKind reads a kind's name. (schema.Kind itself knows nothing of SQL.)
type ScanKind struct{ Kind *schema.Kind }

func (k ScanKind) Scan(src any) error {
	name, _ := src.(string)
	parsed, err := schema.ParseKind(name)
	*k.Kind = parsed
	return err
}

// Cell is what a column holds: a value, or NULL.
type Cell struct {
	Value schema.Value
	Set   bool
}

// CellOf is the cell with the value.
func CellOf(v schema.Value) Cell { return Cell{v, true} }

// Scan reads a value as SQLite stores it.
func (c *Cell) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*c = Cell{}
	case int64:
		*c = Cell{schema.Int(v), true}
	case float64:
		*c = Cell{schema.Real(v), true}
	default:
		return fmt.Errorf("a sample's value is a %T", src)
	}
	return nil
}

// Bind is the cell as a statement's parameter.
func (c Cell) Bind() any {
	if !c.Set {
		return nil
	}
	return BindValue(c.Value)
}

func BindValue(v schema.Value) any {
	if i, ok := v.Int64(); ok {
		return i
	}
	return v.Float64()
}

// Verdict is the result of [Cell.Meet].
type Verdict = schema.Verdict

// The verdicts: Added, and those of [schema.Value.Meet].
const (
	Added     Verdict = -1 // the cell was empty, and has the value now
	Same              = schema.Same
	Refined           = schema.Refined
	Differing         = schema.Conflicting
)

// Meet merges a value into the cell.
func (c *Cell) Meet(v schema.Value) (verdict Verdict) {
	if !c.Set {
		*c = CellOf(v)
		return Added
	}
	c.Value, verdict = c.Value.Meet(v)
	return verdict
}

func Pointers(row []Cell) []any {
	dest := make([]any, len(row))
	for i := range row {
		dest[i] = &row[i]
	}
	return dest
}

// QuoteName makes any text a SQL identifier.
func QuoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// RowKey is where a row stands in a wide table. Sorted, rows are appended to a
// hot table in its own order.
type RowKey struct {
	At     schema.Instant
	Entity int64
}

func (k RowKey) Compare(other RowKey) int {
	return cmp.Or(cmp.Compare(k.At, other.At), cmp.Compare(k.Entity, other.Entity))
}

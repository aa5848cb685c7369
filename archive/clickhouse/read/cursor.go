package read

import (
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/schema"
)

// cursor is at a row of [scan.selectRows].
type cursor struct {
	scan
	rows   driver.Rows
	names  []string
	at     int64
	bits   uint64
	values []value
	into   []any
	there  bool // at a row
	err    error
}

func newCursor(s scan, rows driver.Rows) *cursor {
	c := &cursor{scan: s, rows: rows, names: make([]string, len(s.names)), values: make([]value, max(len(s.values), 1))}
	for i := range c.names {
		c.into = append(c.into, &c.names[i])
	}
	c.into = append(c.into, &c.at)
	if s.IsWide() {
		c.into = append(c.into, &c.bits)
		for i := range c.values {
			c.into = append(c.into, &c.values[i])
		}
	} else { // an integer, and a float where that is NULL
		c.into = append(c.into, &c.values[0], &other{&c.values[0]})
	}
	c.next()
	return c
}

func (c *cursor) next() {
	if c.there = c.err == nil && c.rows.Next(); c.there {
		c.err = c.rows.Scan(c.into...)
		c.there = c.err == nil
	}
}

// isOf reports whether the row is of the series.
func (c *cursor) isOf(n named) bool { return c.there && slices.Equal(c.names, n.names) }

// samples returns the samples of the series' rows.
func (c *cursor) samples(n named) func(yield func(archive.Sample) bool) {
	return func(yield func(archive.Sample) bool) {
		for ; c.isOf(n); c.next() {
			for i, v := range c.values {
				if !v.set {
					continue
				}
				if c.IsWide() && c.bits&c.integers[i] != 0 {
					v.Value = schema.Int(int64(v.Float64()))
				}
				if !yield(archive.Sample{Column: i, At: schema.Instant(c.at), Value: v.Value}) {
					return
				}
			}
		}
	}
}

// value is a column's value, or NULL.
type value struct {
	set bool
	schema.Value
}

// Scan implements sql.Scanner.
func (v *value) Scan(from any) error {
	v.set = true
	switch from := from.(type) {
	case nil:
		v.set = false
	case int64:
		v.Value = schema.Int(from)
	case float64:
		v.Value = schema.Real(from)
	default:
		return fmt.Errorf("a value is a %T", from)
	}
	return nil
}

// other scans a second column, which counts if it is not NULL.
type other struct{ *value }

// Scan implements sql.Scanner.
func (o *other) Scan(from any) error {
	if from == nil {
		return nil
	}
	return o.value.Scan(from)
}

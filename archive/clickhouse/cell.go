package clickhouse

import (
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// cell is a value, or none.
type cell struct {
	value schema.Value
	set   bool
}

// added is the verdict of [cell.meet] beside those of [schema.Value.Meet]: there was none.
const added schema.Verdict = -1

// meet merges a value into the cell: see [schema.Value.Meet].
func (c *cell) meet(v schema.Value) (verdict schema.Verdict) {
	if !c.set {
		*c = cell{v, true}
		return added
	}
	c.value, verdict = c.value.Meet(v)
	return verdict
}

// fits reports whether a wide table's column can hold the value exactly.
func fits(t *tables.Table, i int, v schema.Value) bool {
	n, isInteger := v.Int64()
	if t.Bit(i) == 0 {
		return isInteger
	}
	f := float64(n)
	return !isInteger || f < 1<<63 && int64(f) == n
}

// scanned are the columns of a row of samples.
type scanned struct {
	integers []*int64 // by column; nil in float columns
	floats   []*float64
	bits     uint64
	revision uint64
}

// columns are the places for the table's columns from its values on.
func (s *scanned) columns(t *tables.Table) []any {
	s.integers, s.floats = make([]*int64, len(t.Values)), make([]*float64, len(t.Values))
	var into []any
	for i, c := range t.Values {
		if c.Type == "Nullable(Int64)" {
			into = append(into, &s.integers[i])
		} else {
			into = append(into, &s.floats[i])
		}
	}
	if t.IsWide() {
		into = append(into, &s.bits)
	}
	return append(into, &s.revision)
}

// cells returns the row's cells: one for each metric, or the only one of narrow.
func (s *scanned) cells(t *tables.Table) []cell {
	if !t.IsWide() {
		return []cell{oneOf(s.integers[0], s.floats[1])}
	}
	all := make([]cell, len(t.Metrics))
	for i := range all {
		all[i] = oneOf(s.integers[i], s.floats[i])
		if f := s.floats[i]; f != nil && s.bits&t.Bit(i) != 0 {
			all[i].value = schema.Int(int64(*f))
		}
	}
	return all
}

func oneOf(integer *int64, float *float64) cell {
	switch {
	case integer != nil:
		return cell{schema.Int(*integer), true}
	case float != nil:
		return cell{schema.Real(*float), true}
	default:
		return cell{}
	}
}

// appendCells appends the columns of the cells, which fit.
func appendCells(row []any, t *tables.Table, cells []cell) []any {
	if !t.IsWide() {
		if n, isInteger := cells[0].value.Int64(); !cells[0].set {
			return append(row, nil, nil)
		} else if isInteger {
			return append(row, n, nil)
		}
		return append(row, nil, cells[0].value.Float64())
	}
	var bits uint64
	for i, c := range cells {
		n, isInteger := c.value.Int64()
		switch bit := t.Bit(i); {
		case !c.set:
			row = append(row, nil)
		case bit == 0:
			row = append(row, n)
		default:
			if isInteger {
				bits |= bit
			}
			row = append(row, c.value.Float64())
		}
	}
	return append(row, bits)
}

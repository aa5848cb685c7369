package upkeep

import (
	"database/sql"
	"encoding/json"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// rolledRow is a row of a rollup.
type rolledRow struct {
	ts         schema.Instant
	samples    int64       // rows that it stands for
	aggregates []aggregate // by column
}

func row(r *tables.Rollup, ts schema.Instant) rolledRow {
	return rolledRow{ts: ts, aggregates: make([]aggregate, len(r.Columns))}
}

// binds spells a row as it is stored: what follows from the rest is NULL, which
// makes a column that never changes take next to nothing.
func binds(r *tables.Rollup, row rolledRow, level archive.Level, series []any) ([]any, error) {
	args := append(append([]any{}, series...), row.ts, row.samples)
	fewer := make(map[string]int64)
	var cells []any
	for i, c := range r.Columns {
		a := row.aggregates[i]
		if c.Gauge {
			switch {
			case a.count == 0:
				cells = append(cells, nil, nil, nil)
			case a.min == a.max:
				cells = append(cells, tables.BindValue(a.min), nil, nil)
			default:
				cells = append(cells, tables.BindValue(a.min), tables.BindValue(a.max), tables.BindValue(a.sum))
			}
			if 0 < a.count && a.count < row.samples {
				fewer[c.Name] = a.count
			}
		}
		if c.Percentiles && level == archive.Hourly {
			cells = append(cells, a.p50.Bind(), a.p95.Bind())
		}
		if c.Counter {
			cells = append(cells, a.increase.Bind(), a.last.Bind())
		}
	}
	if !r.IsNarrow() {
		var counts any
		if len(fewer) > 0 {
			text, err := json.Marshal(fewer)
			if err != nil {
				return nil, err
			}
			counts = string(text)
		}
		args = append(args, counts)
	}
	return append(args, cells...), nil
}

// scan is the inverse of binds.
func scan(r *tables.Rollup, rows interface{ Scan(...any) error }, level archive.Level) (rolledRow, error) {
	row := row(r, 0)
	var counts sql.NullString
	cells := make([]tables.Cell, len(r.Selected(level)))
	dest := []any{&row.ts, &row.samples}
	if !r.IsNarrow() {
		dest = append(dest, &counts)
	}
	cells = cells[len(dest):]
	if err := rows.Scan(append(dest, tables.Pointers(cells)...)...); err != nil {
		return rolledRow{}, err
	}
	fewer := make(map[string]int64)
	if counts.Valid {
		if err := json.Unmarshal([]byte(counts.String), &fewer); err != nil {
			return rolledRow{}, err
		}
	}
	for i, c := range r.Columns {
		a := &row.aggregates[i]
		if c.Gauge {
			a.fill(cells[0], cells[1], cells[2], row.samples)
			if n, is := fewer[c.Name]; is && a.count > 0 {
				a.count = n
			}
			if !cells[2].Set {
				a.sum = times(a.min, a.count)
			}
			cells = cells[3:]
		}
		if c.Percentiles && level == archive.Hourly {
			a.p50, a.p95, cells = cells[0], cells[1], cells[2:]
		}
		if c.Counter {
			a.increase, a.last, cells = cells[0], cells[1], cells[2:]
		}
	}
	return row, nil
}

// fill sets what is stored of a gauge; see binds for what is not.
func (a *aggregate) fill(min, max, sum tables.Cell, count int64) {
	if !min.Set {
		return
	}
	a.count, a.min, a.max, a.sum = count, min.Value, min.Value, sum.Value
	if max.Set {
		a.max = max.Value
	}
}

// ending is how many rows a row of a rollup stands for, and what its counters,
// in the order of the columns, end at.
type ending struct {
	samples int64
	last    []tables.Cell
}

// endingOf returns that of the row.
func endingOf(r *tables.Rollup, row rolledRow) ending {
	e := ending{samples: row.samples}
	for i, c := range r.Columns {
		if c.Counter {
			e.last = append(e.last, row.aggregates[i].last)
		}
	}
	return e
}

// begin returns the row of a moment that goes on from an ending.
func begin(r *tables.Rollup, ts schema.Instant, from ending) rolledRow {
	row := row(r, ts)
	last := from.last
	for i, c := range r.Columns {
		if c.Counter && len(last) > 0 {
			row.aggregates[i].last, last = last[0], last[1:]
		}
	}
	return row
}

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
	samples    int64       // number of raw rows in it
	aggregates []aggregate // by column
}

func newRow(r *tables.Rollup, ts schema.Instant) rolledRow {
	return rolledRow{ts: ts, aggregates: make([]aggregate, len(r.Columns))}
}

// rowArgs returns a row's stored values. Values that follow from others are NULL, so a
// column that never changes takes almost no space.
func rowArgs(r *tables.Rollup, row rolledRow, level archive.Level, series []any) ([]any, error) {
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

// scanRow is the inverse of rowArgs.
func scanRow(r *tables.Rollup, rows interface{ Scan(...any) error }, level archive.Level) (rolledRow, error) {
	row := newRow(r, 0)
	var counts sql.NullString
	cells := make([]tables.NullValue, len(r.Selected(level)))
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
			a.setGauge(cells[0], cells[1], cells[2], row.samples)
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

// setGauge sets the stored values of a gauge; see rowArgs for the others.
func (a *aggregate) setGauge(min, max, sum tables.NullValue, count int64) {
	if !min.Set {
		return
	}
	a.count, a.min, a.max, a.sum = count, min.Value, min.Value, sum.Value
	if max.Set {
		a.max = max.Value
	}
}

// endState is the state at the end of a rollup row: its number of raw rows, and the last
// values of its counters in column order.
type endState struct {
	samples int64
	last    []tables.NullValue
}

func endStateOf(r *tables.Rollup, row rolledRow) endState {
	e := endState{samples: row.samples}
	for i, c := range r.Columns {
		if c.Counter {
			e.last = append(e.last, row.aggregates[i].last)
		}
	}
	return e
}

// rowAfter returns a new row whose counters continue from an endState.
func rowAfter(r *tables.Rollup, ts schema.Instant, from endState) rolledRow {
	row := newRow(r, ts)
	last := from.last
	for i, c := range r.Columns {
		if c.Counter && len(last) > 0 {
			row.aggregates[i].last, last = last[0], last[1:]
		}
	}
	return row
}

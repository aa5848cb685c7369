package archive

import (
	"database/sql"
	"encoding/json"

	"heapstash/schema"
)

// rolledRow is a row of a rollup.
type rolledRow struct {
	ts         schema.Instant
	samples    int64       // rows that it stands for
	aggregates []aggregate // by column
}

func (r *rollup) row(ts schema.Instant) rolledRow {
	return rolledRow{ts: ts, aggregates: make([]aggregate, len(r.columns))}
}

// binds spells a row as it is stored: what follows from the rest is NULL, which
// makes a column that never changes take next to nothing.
func (r *rollup) binds(row rolledRow, level schema.Level, series []any) ([]any, error) {
	args := append(append([]any{}, series...), row.ts, row.samples)
	fewer := make(map[string]int64)
	var cells []any
	for i, c := range r.columns {
		a := row.aggregates[i]
		if c.gauge {
			switch {
			case a.count == 0:
				cells = append(cells, nil, nil, nil)
			case a.min == a.max:
				cells = append(cells, bindValue(a.min), nil, nil)
			default:
				cells = append(cells, bindValue(a.min), bindValue(a.max), bindValue(a.sum))
			}
			if 0 < a.count && a.count < row.samples {
				fewer[c.name] = a.count
			}
		}
		if c.percentiles && level == schema.Hourly {
			cells = append(cells, a.p50.bind(), a.p95.bind())
		}
		if c.counter {
			cells = append(cells, a.increase.bind(), a.last.bind())
		}
	}
	if !r.isNarrow() {
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
func (r *rollup) scan(rows interface{ Scan(...any) error }, level schema.Level) (rolledRow, error) {
	row := r.row(0)
	var counts sql.NullString
	cells := make([]cell, len(r.selected(level)))
	dest := []any{&row.ts, &row.samples}
	if !r.isNarrow() {
		dest = append(dest, &counts)
	}
	cells = cells[len(dest):]
	if err := rows.Scan(append(dest, pointers(cells)...)...); err != nil {
		return rolledRow{}, err
	}
	fewer := make(map[string]int64)
	if counts.Valid {
		if err := json.Unmarshal([]byte(counts.String), &fewer); err != nil {
			return rolledRow{}, err
		}
	}
	for i, c := range r.columns {
		a := &row.aggregates[i]
		if c.gauge {
			a.fill(cells[0], cells[1], cells[2], row.samples)
			if n, is := fewer[c.name]; is && a.count > 0 {
				a.count = n
			}
			if !cells[2].set {
				a.sum = times(a.min, a.count)
			}
			cells = cells[3:]
		}
		if c.percentiles && level == schema.Hourly {
			a.p50, a.p95, cells = cells[0], cells[1], cells[2:]
		}
		if c.counter {
			a.increase, a.last, cells = cells[0], cells[1], cells[2:]
		}
	}
	return row, nil
}

// fill sets what is stored of a gauge; see binds for what is not.
func (a *aggregate) fill(min, max, sum cell, count int64) {
	if !min.set {
		return
	}
	a.count, a.min, a.max, a.sum = count, min.value, min.value, sum.value
	if max.set {
		a.max = max.value
	}
}

// ending is how many rows a row of a rollup stands for, and what its counters,
// in the order of the columns, end at.
type ending struct {
	samples int64
	last    []cell
}

// endingOf returns that of the row.
func (r *rollup) endingOf(row rolledRow) ending {
	e := ending{samples: row.samples}
	for i, c := range r.columns {
		if c.counter {
			e.last = append(e.last, row.aggregates[i].last)
		}
	}
	return e
}

// begin returns the row of a moment that goes on from an ending.
func (r *rollup) begin(ts schema.Instant, from ending) rolledRow {
	row := r.row(ts)
	last := from.last
	for i, c := range r.columns {
		if c.counter && len(last) > 0 {
			row.aggregates[i].last, last = last[0], last[1:]
		}
	}
	return row
}

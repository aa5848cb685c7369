package history

import (
	"database/sql/driver"
	"encoding/json"
	"slices"

	"heapstash/schema"
)

// rollup makes the hours and days of one entity whose rows are not kept, as
// FORMAT.md describes them. A test compares them with what the archive makes of
// the same rows.
type rollup struct {
	table     *table
	entity    int64
	out       *batches
	hour, day period
}

// period is an hour or a day that is not over.
type period struct {
	begin   schema.Instant
	samples int64
	tallies []tally // by column
}

// tally aggregates the values of one column.
type tally struct {
	count, min, max, sum int64
	values               []int64

	increase, last int64
	grew, known    bool // increase is valid; last is valid
}

func newRollup(t *table, entity int64, out *batches) *rollup {
	return &rollup{table: t, entity: entity, out: out,
		hour: period{tallies: make([]tally, len(t.columns))}, day: period{tallies: make([]tally, len(t.columns))}}
}

// add adds a row. Call it in the order of time.
func (r *rollup) add(at schema.Instant, values []int64) {
	if begin := at - at%hour; begin != r.hour.begin {
		r.endHour()
		if of := at - at%day; of != r.day.begin {
			r.endDay()
			r.day.begin = of
		}
		r.hour.begin = begin
	}
	r.hour.samples++
	for i, c := range r.table.columns {
		v, t := values[i], &r.hour.tallies[i]
		if v == none {
			continue
		}
		switch {
		case c.gauge:
			t.merge(1, v, v, v)
			if c.percentiles {
				t.values = append(t.values, v)
			}
		case t.known && v >= t.last:
			t.grow(v - t.last)
		case t.known:
			t.grow(v) // a reset
		default:
			t.grow(0)
		}
		if !c.gauge {
			t.last, t.known = v, true
		}
	}
}

func (t *tally) merge(count, min_, max_, sum int64) {
	if t.count == 0 {
		t.min, t.max = min_, max_
	}
	t.count += count
	t.min, t.max, t.sum = min(t.min, min_), max(t.max, max_), t.sum+sum
}

func (t *tally) grow(by int64) {
	t.increase, t.grew = t.increase+by, true
}

func (r *rollup) endHour() {
	if r.hour.samples == 0 {
		return
	}
	r.out.add(r.table.hourly, r.cells(&r.hour, true))
	r.day.samples += r.hour.samples
	for i := range r.table.columns {
		t, of := &r.hour.tallies[i], &r.day.tallies[i]
		if t.count > 0 {
			of.merge(t.count, t.min, t.max, t.sum)
		}
		if t.grew {
			of.grow(t.increase)
		}
		of.last, of.known = t.last, t.known
	}
	r.hour.clear()
}

func (r *rollup) endDay() {
	if r.day.samples > 0 {
		r.out.add(r.table.daily, r.cells(&r.day, false))
		r.day.clear()
	}
}

// clear begins a new period. Counters keep their last values.
func (p *period) clear() {
	p.samples = 0
	for i, t := range p.tallies {
		p.tallies[i] = tally{values: t.values[:0], last: t.last, known: t.known}
	}
}

// cells returns a row in the order of [table.rolled].
func (r *rollup) cells(p *period, hourly bool) []driver.Value {
	cells := append(make([]driver.Value, 0, 4+5*len(p.tallies)), r.entity, int64(p.begin), p.samples, nil)
	fewer := make(map[string]int64)
	for i, c := range r.table.columns {
		t := &p.tallies[i]
		switch {
		case !c.gauge:
			cells = append(cells, cellOf(t.increase, t.grew), cellOf(t.last, t.known))
		case t.count == 0:
			cells = append(cells, nil, nil, nil)
		case t.min == t.max:
			cells = append(cells, t.min, nil, nil)
		default:
			cells = append(cells, t.min, t.max, t.sum)
		}
		if c.gauge && 0 < t.count && t.count < p.samples {
			fewer[c.name] = t.count
		}
		if c.percentiles && hourly {
			slices.Sort(t.values)
			cells = append(cells, nearest(t.values, 50), nearest(t.values, 95))
		}
	}
	if len(fewer) > 0 {
		text, err := json.Marshal(fewer)
		if err != nil {
			panic(err) // a map of numbers
		}
		cells[3] = string(text)
	}
	return cells
}

// nearest returns a percentile of sorted values by nearest rank.
func nearest(values []int64, percent int) driver.Value {
	if len(values) == 0 {
		return nil
	}
	return values[(percent*len(values)+99)/100-1]
}

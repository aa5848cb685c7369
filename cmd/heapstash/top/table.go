package top

import (
	"fmt"
	"math"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// column is a column of values: a value of a row, or its share of another one.
type column struct {
	people, machine string // its names for people and for programs
	key             string // of the value
	of              string // the key of what the value is a share of, empty for none
}

// columnsOf returns the columns of values.
func columnsOf(word string, ranged bool) []column {
	var all []column
	for _, r := range []struct {
		name, people, unit string
		use                schema.MetricName
	}{{"cpu", "CPU(cores)", "millicores", "cpu/usage_rate"}, {"memory", "MEMORY(bytes)", "bytes", "memory/working_set"}} {
		upper := strings.ToUpper(r.name)
		if ranged {
			for _, agg := range []query.Agg{query.Avg, query.P95, query.Max} {
				all = append(all, column{strings.ToUpper(string(agg)) + " " + r.people, r.name + "_" + string(agg) + "_" + r.unit, key(r.use, agg), ""})
			}
		} else {
			all = append(all, column{r.people, r.name + "_" + r.unit, key(r.use, query.Max), ""})
		}
		if word == "nodes" {
			agg := query.Max
			if ranged {
				agg = query.Avg
			}
			allocatable := key(schema.MetricName(r.name+"/node_allocatable"), query.Max)
			all = append(all, column{upper + "%", r.name + "_percent_of_allocatable", key(r.use, agg), allocatable})
		}
		for _, what := range []string{"request", "limit"} {
			all = append(all, column{upper + " " + strings.ToUpper(what), r.name + "_" + what + "_" + r.unit, key(schema.MetricName(r.name+"/"+what), query.Max), ""})
		}
	}
	return all
}

// write writes the rows: for people as kubectl spells them, for programs as
// numbers.
func (t Table) write(out show.RowWriter, names []string, ranged bool, rows []*row) error {
	people := show.HoldsRows(t.Format)
	columns := columnsOf(t.Subject, ranged)
	var header []string
	if !people {
		header = append(header, "cluster")
	}
	for i, name := range names {
		if people && i == len(names)-1 {
			name = "NAME"
		} else if people {
			name = strings.ToUpper(name)
		}
		header = append(header, name)
	}
	for _, c := range columns {
		if people {
			header = append(header, c.people)
		} else {
			header = append(header, c.machine)
		}
	}
	if err := out.Begin(header); err != nil {
		return err
	}
	for _, row := range rows {
		var cells []any
		if !people {
			cells = append(cells, row.cluster)
		}
		for _, name := range row.names {
			cells = append(cells, name)
		}
		for _, c := range columns {
			if people {
				cells = append(cells, c.spell(row))
			} else {
				cells = append(cells, c.value(row))
			}
		}
		if err := out.Row(cells); err != nil {
			return err
		}
	}
	return out.End()
}

// value returns the row's number, nil if it has none.
func (c column) value(row *row) any {
	if c.of == "" || row.values[c.key] == nil {
		return row.values[c.key]
	}
	all := row.float(c.of)
	if all == 0 {
		return nil
	}
	return 100 * row.float(c.key) / all
}

// spell returns the number as kubectl top has it: 12m, 34Mi, 56%.
func (c column) spell(row *row) any {
	v, ok := show.Float(c.value(row))
	switch {
	case !ok:
		return "-"
	case c.of != "":
		return fmt.Sprintf("%d%%", int64(v))
	case strings.HasPrefix(c.machine, "cpu"):
		return fmt.Sprintf("%dm", int64(math.Floor(v)))
	default:
		return fmt.Sprintf("%dMi", int64(v)>>20)
	}
}

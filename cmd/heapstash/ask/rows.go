package ask

import (
	"io"
	"slices"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
)

// rowWriter writes answers in a format for programs. All rows have the same
// columns.
type rowWriter struct {
	show.RowWriter
	unit   string
	groups []string
	aggs   []query.Agg
	count  int
}

// newRowWriter returns a writer that has written the header. The columns are the
// names and the aggregates that any of the answers has.
func newRowWriter(format, unit string, w io.Writer, answers []answer) (*rowWriter, error) {
	out, err := show.NewRowWriter(format, w)
	if err != nil {
		return nil, err
	}
	r := &rowWriter{RowWriter: out, unit: unit}
	for _, a := range answers {
		r.groups = addMissing(r.groups, a.columns)
		r.aggs = addMissing(r.aggs, a.Aggs)
	}
	columns := append([]string{"metric", "unit", "kind", "level"}, r.groups...)
	columns = append(columns, "ts", "time")
	for _, agg := range r.aggs {
		columns = append(columns, string(agg))
	}
	return r, out.Begin(columns)
}

// addMissing adds the items that the list does not have yet.
func addMissing[T comparable](list, items []T) []T {
	for _, item := range items {
		if !slices.Contains(list, item) {
			list = append(list, item)
		}
	}
	return list
}

// visit returns a function that writes a row of the answer. The row's time is the
// begin of the step, or of the range.
func (w *rowWriter) visit(a answer) func(query.Row) error {
	scales := a.scales(w.aggs, w.unit)
	unit := show.OrNull(a.unit(scales))
	return func(row query.Row) error {
		w.count++
		at := row.At
		if a.Step == 0 {
			at = a.Range.From
		}
		values := []any{string(a.Metric.Name), unit, a.Kind.String(), a.Levels(row.At)}
		for _, column := range w.groups {
			values = append(values, show.OrNull(a.name(row, column)))
		}
		values = append(values, int64(at), at.String())
		for _, s := range scales {
			values = append(values, s.of(row))
		}
		return w.Row(values)
	}
}

// unit is the unit of a row's numbers: the one that all have except counts. Where
// a rate stands beside other aggregates, it is the samples' unit.
func (a answer) unit(scales []scaled) string {
	var units []string
	for _, s := range scales {
		if s.index >= 0 && s.agg != query.Count {
			units = addMissing(units, []string{s.Name})
		}
	}
	if len(units) != 1 {
		return string(unitOf(a.Metric, ""))
	}
	return units[0]
}

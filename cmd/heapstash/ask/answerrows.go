package ask

import (
	"io"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
)

// answerWriter writes rows for machines: all have the same columns.
type answerWriter struct {
	out    show.RowWriter
	unit   string
	groups []string
	aggs   []query.Agg
	count  int
}

// newAnswerWriter begins a list of what the answers' rows will be.
func newAnswerWriter(format, unit string, w io.Writer, answers []Answer) (*answerWriter, error) {
	out, err := show.NewRowWriter(format, w)
	if err != nil {
		return nil, err
	}
	a := &answerWriter{out: out, unit: unit}
	a.groups, a.aggs = columnsOf(answers)
	columns := append([]string{"metric", "unit", "kind", "level"}, a.groups...)
	columns = append(columns, "ts", "time")
	for _, agg := range a.aggs {
		columns = append(columns, string(agg))
	}
	return a, out.Begin(columns)
}

// rows returns what writes a row of the answer. Its time is that of the step, or
// the range's begin.
func (w *answerWriter) rows(a Answer) func(AnswerRow) error {
	scales := a.scales(w.aggs, w.unit)
	unit := show.OrNull(a.unit(scales))
	return func(row AnswerRow) error {
		w.count++
		at := row.at
		if a.Step == 0 {
			at = a.Range.From
		}
		values := []any{string(a.Metric.Name), unit, a.Kind.String(), a.Levels(row.at)}
		for _, column := range w.groups {
			values = append(values, show.OrNull(a.name(row, column)))
		}
		values = append(values, int64(at), at.String())
		for _, s := range scales {
			values = append(values, s.of(row))
		}
		return w.out.Row(values)
	}
}

// unit is that of a row's numbers: the one that all have but for counts, or that
// of the samples where a rate stands beside others.
func (a Answer) unit(scales []scaled) string {
	units := make(map[string]bool)
	for _, s := range scales {
		if s.index >= 0 && s.agg != query.Count {
			units[s.Name] = true
		}
	}
	if len(units) != 1 {
		return string(unitOf(a.Metric, ""))
	}
	for unit := range units {
		return unit
	}
	return ""
}

package ask

import (
	"fmt"
	"io"
	"slices"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
)

// printTables prints a table for each metric, so that a column has one unit. Where
// there are several, the metric's name stands above its table.
func (q Question) printTables(w io.Writer, answers []answer) {
	first := true
	for _, a := range answers {
		if len(a.rows) == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		if len(answers) > 1 {
			fmt.Fprintln(w, show.Visible(string(a.Metric.Name)))
		}
		q.printTable(w, a)
	}
}

// printTable leaves out the columns cluster and labels where all rows have the
// same.
func (q Question) printTable(w io.Writer, a answer) {
	groups := slices.DeleteFunc(slices.Clone(a.columns), func(column string) bool {
		return len(a.columns) > 1 && !slices.Contains(q.By, column) && (column == "cluster" || column == "labels") && a.sameName(column)
	})
	header := slices.Clone(groups)
	if a.Step > 0 {
		header = append(header, "time")
	}
	scales := a.scales(a.Aggs, q.Unit)
	columns := make([]show.Column, len(scales))
	var numbers []int
	for i, s := range scales {
		columns[i] = a.column(s)
		numbers = append(numbers, len(header))
		header = append(header, columns[i].Header())
	}
	t := show.NewGrid(w, header...)
	t.AlignRight(numbers...)
	for _, row := range a.rows {
		var cells []any
		for _, column := range groups {
			cells = append(cells, show.Visible(a.name(row, column)))
		}
		if a.Step > 0 {
			cells = append(cells, show.Time(row.At, q.Zone))
		}
		for i, s := range scales {
			cells = append(cells, columns[i].Cell(row.Values[s.index]))
		}
		t.Row(cells...)
	}
	t.Render()
}

// sameName reports whether all rows have the same name in the column.
func (a answer) sameName(column string) bool {
	return !slices.ContainsFunc(a.rows, func(row query.Row) bool { return a.name(row, column) != a.name(a.rows[0], column) })
}

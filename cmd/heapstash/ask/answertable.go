package ask

import (
	"fmt"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"heapstash/cmd/heapstash/show"
)

// printTables prints a table for each metric, under its name where there are
// several, so that a column has one unit.
func (a *Asking) printTables(w io.Writer, answers []Answer) {
	first := true
	for _, answer := range answers {
		if len(answer.rows) == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		if len(answers) > 1 {
			fmt.Fprintln(w, show.Visible(string(answer.Metric.Name)))
		}
		a.printTable(w, answer)
	}
}

// printTable leaves out columns that say the same in every row, or nothing.
func (a *Asking) printTable(w io.Writer, answer Answer) {
	groups := slices.DeleteFunc(answer.Groups(), func(column string) bool {
		return len(answer.NameColumns) > 1 && !slices.Contains(a.By, column) && (column == "cluster" || column == "labels") && answer.sameName(column)
	})
	t := show.NewGrid(w)
	header := table.Row{}
	for _, column := range groups {
		header = append(header, column)
	}
	if answer.Step > 0 {
		header = append(header, "time")
	}
	scales := answer.scales(answer.Aggs, a.Unit)
	columns := make([]show.Column, len(scales))
	var aligned []table.ColumnConfig
	for i, s := range scales {
		columns[i] = answer.column(s)
		header = append(header, columns[i].Header())
		aligned = append(aligned, table.ColumnConfig{Number: len(header), Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(aligned)
	for _, row := range answer.rows {
		cells := table.Row{}
		for _, column := range groups {
			cells = append(cells, show.Visible(answer.name(row, column)))
		}
		if answer.Step > 0 {
			cells = append(cells, a.Times.Zone.Text(row.at))
		}
		for i, s := range scales {
			cells = append(cells, columns[i].Cell(row.Values[s.index]))
		}
		t.AppendRow(cells)
	}
	t.Render()
}

// sameName reports whether no two rows differ in the column.
func (a Answer) sameName(column string) bool {
	seen := make(map[string]bool)
	for _, row := range a.rows {
		seen[a.name(row, column)] = true
	}
	return len(seen) <= 1
}

package main

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
func (a *asking) printTables(w io.Writer, answers []answer) {
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
			fmt.Fprintln(w, visible(string(answer.Metric.Name)))
		}
		a.printTable(w, answer)
	}
}

// printTable leaves out columns that say the same in every row, or nothing.
func (a *asking) printTable(w io.Writer, answer answer) {
	groups := slices.DeleteFunc(answer.Groups(), func(column string) bool {
		return len(answer.groups) > 1 && !slices.Contains(a.by, column) && (column == "cluster" || column == "labels") && answer.sameName(column)
	})
	t := show.NewGrid(w)
	header := table.Row{}
	for _, column := range groups {
		header = append(header, column)
	}
	if answer.Step > 0 {
		header = append(header, "time")
	}
	scales := answer.scales(answer.Aggs, a.unit)
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
			cells = append(cells, visible(answer.name(row, column)))
		}
		if answer.Step > 0 {
			cells = append(cells, a.times.zone.text(row.at))
		}
		for i, s := range scales {
			cells = append(cells, columns[i].Cell(row.values[s.index]))
		}
		t.AppendRow(cells)
	}
	t.Render()
}

// sameName reports whether no two rows differ in the column.
func (a answer) sameName(column string) bool {
	seen := make(map[string]bool)
	for _, row := range a.rows {
		seen[a.name(row, column)] = true
	}
	return len(seen) <= 1
}

package main

import (
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printTable leaves out columns that say the same in every row, or nothing.
func (a *asking) printTable(w io.Writer, answers []answer) {
	groups, aggs := columnsOf(answers)
	groups = slices.DeleteFunc(groups, func(column string) bool {
		return len(groups) > 1 && !slices.Contains(a.by, column) && (column == "cluster" || column == "labels") && sameName(answers, column)
	})
	t := newTable(w)
	header := table.Row{}
	if len(answers) > 1 {
		header = append(header, "metric")
	}
	for _, column := range groups {
		header = append(header, column)
	}
	if answers[0].Step > 0 {
		header = append(header, "time")
	}
	var aligned []table.ColumnConfig
	for _, agg := range aggs {
		header = append(header, string(agg))
		aligned = append(aligned, table.ColumnConfig{Number: len(header), Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(aligned)
	for _, answer := range answers {
		scales := answer.scales(aggs, a.unit)
		for _, row := range answer.rows {
			cells := table.Row{}
			if len(answers) > 1 {
				cells = append(cells, string(answer.Metric.Name))
			}
			for _, column := range groups {
				cells = append(cells, visible(answer.name(row, column)))
			}
			if answer.Step > 0 {
				cells = append(cells, a.times.zone.text(row.at))
			}
			for _, s := range scales {
				cells = append(cells, s.spell(row))
			}
			t.AppendRow(cells)
		}
	}
	t.Render()
}

// sameName reports whether no two rows differ in the column.
func sameName(answers []answer, column string) bool {
	seen := make(map[string]bool)
	for _, a := range answers {
		for _, row := range a.rows {
			seen[a.name(row, column)] = true
		}
	}
	return len(seen) <= 1
}

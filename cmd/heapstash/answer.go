package main

import (
	"context"
	"database/sql"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// answer is what a plan gave.
type answer struct {
	query.Plan
	groups []string // the columns of names
	rows   []answerRow
}

type answerRow struct {
	names  []string       // in the order of the groups; empty where there is none
	at     schema.Instant // of the step; zero without steps
	values []any          // nil, int64 or float64, in the order of the aggregates
}

// ask runs the plan.
func ask(ctx context.Context, reader *archive.Reader, p query.Plan) (answer, error) {
	a := answer{Plan: p, groups: p.Groups()}
	s := p.Statement()
	rows, err := reader.Query(ctx, s.Text, s.Args...)
	if err != nil {
		return a, err
	}
	defer rows.Close()
	names := make([]sql.RawBytes, len(a.groups))
	known := make(map[string]string) // the same names come over and over
	for rows.Next() {
		row := answerRow{names: make([]string, len(a.groups)), values: make([]any, len(p.Aggs))}
		dest := make([]any, 0, len(names)+1+len(row.values))
		for i := range names {
			dest = append(dest, &names[i])
		}
		if p.Step > 0 {
			dest = append(dest, &row.at)
		}
		for i := range row.values {
			dest = append(dest, &row.values[i])
		}
		if err := rows.Scan(dest...); err != nil {
			return a, err
		}
		for i, name := range names {
			if _, ok := known[string(name)]; !ok {
				known[string(name)] = string(name)
			}
			row.names[i] = known[string(name)]
		}
		a.rows = append(a.rows, row)
	}
	return a, reader.Explain(rows.Err())
}

// name is a row's name in a column, empty where it has none.
func (a answer) name(row answerRow, column string) string {
	if i := slices.Index(a.groups, column); i >= 0 {
		return row.names[i]
	}
	return ""
}

// print writes the answers in the format that was asked for.
func (a *asking) print(w io.Writer, answers []answer) error {
	if a.format == "table" {
		a.printTable(w, answers)
		return nil
	}
	out, err := newRowWriter(a.format, w)
	if err != nil {
		return err
	}
	groups, aggs := columnsOf(answers)
	columns := append([]string{"metric", "unit", "kind", "level"}, groups...)
	columns = append(columns, "ts", "time")
	for _, agg := range aggs {
		columns = append(columns, string(agg))
	}
	if err := out.begin(columns); err != nil {
		return err
	}
	for _, answer := range answers {
		scales := answer.scales(aggs, a.unit)
		var unit any
		if own := unitOf(answer.Metric, ""); own != "" {
			unit = string(own)
		}
		for _, row := range answer.rows {
			at := row.at
			if answer.Step == 0 {
				at = answer.Range.From
			}
			values := []any{string(answer.Metric.Name), unit, answer.Kind.String(), answer.Levels(row.at)}
			for _, column := range groups {
				values = append(values, orNull(answer.name(row, column)))
			}
			values = append(values, int64(at), at.String())
			for _, s := range scales {
				values = append(values, s.of(row))
			}
			if err := out.row(values); err != nil {
				return err
			}
		}
	}
	return out.end()
}

// columnsOf are the names and the aggregates that any of the answers has.
func columnsOf(answers []answer) (groups []string, aggs []query.Agg) {
	for _, a := range answers {
		for _, column := range a.Groups() {
			if !slices.Contains(groups, column) {
				groups = append(groups, column)
			}
		}
		for _, agg := range a.Aggs {
			if !slices.Contains(aggs, agg) {
				aggs = append(aggs, agg)
			}
		}
	}
	return groups, aggs
}

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
				cells = append(cells, row.at.String())
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

package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// answer is what a plan gave.
type answer struct {
	query.Plan
	groups []string    // the columns of names
	rows   []answerRow // if they were gathered
	all    int         // how many groups there are, if they were counted
}

type answerRow struct {
	names  []string       // in the order of the groups; empty where there is none
	at     schema.Instant // of the step; zero without steps
	values []any          // nil, int64 or float64, in the order of the aggregates
}

// ask runs the plan and visits the rows as they come.
func (a answer) ask(ctx context.Context, reader *engine.Reader, visit func(answerRow) error) error {
	s := a.Statement()
	rows, err := reader.Query(ctx, s.Text, s.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := make([]sql.RawBytes, len(a.groups))
	known := make(map[string]string) // the same names come over and over
	for rows.Next() {
		row := answerRow{names: make([]string, len(a.groups)), values: make([]any, len(a.Aggs))}
		dest := make([]any, 0, len(names)+1+len(row.values))
		for i := range names {
			dest = append(dest, &names[i])
		}
		if a.Step > 0 {
			dest = append(dest, &row.at)
		}
		for i := range row.values {
			dest = append(dest, &row.values[i])
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i, name := range names {
			if _, ok := known[string(name)]; !ok {
				known[string(name)] = string(name)
			}
			row.names[i] = known[string(name)]
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	return reader.Explain(rows.Err())
}

// countAll counts the groups that there are, of which the plan has the greatest.
func (a *answer) countAll(ctx context.Context, reader *engine.Reader) error {
	if a.Top == 0 {
		return nil
	}
	whole := *a
	whole.Step, whole.Top, whole.Aggs = 0, 0, a.Aggs[:1]
	return whole.ask(ctx, reader, func(answerRow) error {
		a.all++
		return nil
	})
}

// gather asks for all rows, which have to fit in memory: for units that follow
// from them, tables and charts.
func gather(ctx context.Context, reader *engine.Reader, answers []answer) error {
	count := 0
	for i := range answers {
		a := &answers[i]
		err := a.ask(ctx, reader, func(row answerRow) error {
			a.rows = append(a.rows, row)
			if count++; count > usualRows {
				return schema.WithHint(fmt.Errorf("there are more than %d rows", usualRows),
					"ask for a longer --step or a --top, or with --format csv or json and without --unit auto")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// name is a row's name in a column, empty where it has none.
func (a answer) name(row answerRow, column string) string {
	if i := slices.Index(a.groups, column); i >= 0 {
		return row.names[i]
	}
	return ""
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

package ask

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// Answer is what a plan gave.
type Answer struct {
	query.Plan
	NameColumns []string    // the columns of names
	rows        []AnswerRow // if they were gathered
	all         int         // how many groups there are, if they were counted
}

type AnswerRow struct {
	Names  []string       // in the order of the groups; empty where there is none
	at     schema.Instant // of the step; zero without steps
	Values []any          // nil, int64 or float64, in the order of the aggregates
}

// Ask runs the plan and visits the rows as they come.
func (a Answer) Ask(ctx context.Context, reader *engine.Reader, visit func(AnswerRow) error) error {
	s := a.Statement()
	rows, err := reader.Query(ctx, s.Text, s.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := make([]sql.RawBytes, len(a.NameColumns))
	known := make(map[string]string) // the same names come over and over
	for rows.Next() {
		row := AnswerRow{Names: make([]string, len(a.NameColumns)), Values: make([]any, len(a.Aggs))}
		dest := make([]any, 0, len(names)+1+len(row.Values))
		for i := range names {
			dest = append(dest, &names[i])
		}
		if a.Step > 0 {
			dest = append(dest, &row.at)
		}
		for i := range row.Values {
			dest = append(dest, &row.Values[i])
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i, name := range names {
			if _, ok := known[string(name)]; !ok {
				known[string(name)] = string(name)
			}
			row.Names[i] = known[string(name)]
		}
		if err := visit(row); err != nil {
			return err
		}
	}
	return reader.Explain(rows.Err())
}

// countAll counts the groups that there are, of which the plan has the greatest.
func (a *Answer) countAll(ctx context.Context, reader *engine.Reader) error {
	if a.Top == 0 {
		return nil
	}
	whole := *a
	whole.Step, whole.Top, whole.Aggs = 0, 0, a.Aggs[:1]
	return whole.Ask(ctx, reader, func(AnswerRow) error {
		a.all++
		return nil
	})
}

// gather asks for all rows, which have to fit in memory: for units that follow
// from them, tables and charts.
func gather(ctx context.Context, reader *engine.Reader, answers []Answer) error {
	count := 0
	for i := range answers {
		a := &answers[i]
		err := a.Ask(ctx, reader, func(row AnswerRow) error {
			a.rows = append(a.rows, row)
			if count++; count > show.UsualRows {
				return schema.WithHint(fmt.Errorf("there are more than %d rows", show.UsualRows),
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
func (a Answer) name(row AnswerRow, column string) string {
	if i := slices.Index(a.NameColumns, column); i >= 0 {
		return row.Names[i]
	}
	return ""
}

// columnsOf are the names and the aggregates that any of the answers has.
func columnsOf(answers []Answer) (groups []string, aggs []query.Agg) {
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

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

// Row is a row of a plan's answer.
type Row struct {
	Names  []string       // a name for each of the plan's groups, empty where there is none
	At     schema.Instant // of the step; zero without steps
	Values []any          // nil, int64 or float64, a value for each aggregate
}

// Rows runs the plan and visits the rows as they come.
func Rows(ctx context.Context, reader *engine.Reader, p query.Plan, visit func(Row) error) error {
	s := p.Statement()
	rows, err := reader.Query(ctx, s.Text, s.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names := make([]sql.RawBytes, len(p.Groups()))
	known := make(map[string]string) // the same names come over and over
	for rows.Next() {
		row := Row{Names: make([]string, len(names)), Values: make([]any, len(p.Aggs))}
		dest := make([]any, 0, len(names)+1+len(row.Values))
		for i := range names {
			dest = append(dest, &names[i])
		}
		if p.Step > 0 {
			dest = append(dest, &row.At)
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

// answer is a plan with its rows.
type answer struct {
	query.Plan
	columns  []string // of names: the plan's groups
	rows     []Row
	gathered bool // rows are there
	all      int  // the number of groups without Top, if they were counted
}

// each visits the rows: those that were gathered, or else as they come.
func (a answer) each(ctx context.Context, reader *engine.Reader, visit func(Row) error) error {
	if !a.gathered {
		return Rows(ctx, reader, a.Plan, visit)
	}
	for _, row := range a.rows {
		if err := visit(row); err != nil {
			return err
		}
	}
	return nil
}

// countAll counts all groups, from which Top takes the greatest.
func (a *answer) countAll(ctx context.Context, reader *engine.Reader) error {
	if a.Top == 0 {
		return nil
	}
	whole := a.Plan
	whole.Step, whole.Top, whole.Aggs = 0, 0, a.Aggs[:1]
	return Rows(ctx, reader, whole, func(Row) error {
		a.all++
		return nil
	})
}

// gather reads all rows into memory, for tables, charts and units that depend on
// the values.
func gather(ctx context.Context, reader *engine.Reader, answers []answer) error {
	count := 0
	for i := range answers {
		a := &answers[i]
		a.gathered = true
		err := Rows(ctx, reader, a.Plan, func(row Row) error {
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

// name returns the row's name in a column, empty where it has none.
func (a answer) name(row Row, column string) string {
	if i := slices.Index(a.columns, column); i >= 0 {
		return row.Names[i]
	}
	return ""
}

package ask

import (
	"context"
	"fmt"
	"slices"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// answer is a plan with its rows.
type answer struct {
	query.Plan
	columns  []string // of names: the plan's groups
	rows     []query.Row
	gathered bool // rows are there
	all      int  // the number of groups without Top, if they were counted
}

// each visits the rows: those that were gathered, or else as they come.
func (a answer) each(ctx context.Context, from query.Archive, visit func(query.Row) error) error {
	if !a.gathered {
		return from.Answer(ctx, a.Plan, visit)
	}
	for _, row := range a.rows {
		if err := visit(row); err != nil {
			return err
		}
	}
	return nil
}

// countAll counts all groups, from which Top takes the greatest.
func (a *answer) countAll(ctx context.Context, from query.Archive) error {
	if a.Top == 0 {
		return nil
	}
	whole := a.Plan
	whole.Step, whole.Top, whole.Aggs = 0, 0, a.Aggs[:1]
	return from.Answer(ctx, whole, func(query.Row) error {
		a.all++
		return nil
	})
}

// gather reads all rows into memory, for tables, charts and units that depend on
// the values.
func gather(ctx context.Context, from query.Archive, answers []answer) error {
	count := 0
	for i := range answers {
		a := &answers[i]
		a.gathered = true
		err := from.Answer(ctx, a.Plan, func(row query.Row) error {
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
func (a answer) name(row query.Row, column string) string {
	if i := slices.Index(a.columns, column); i >= 0 {
		return row.Names[i]
	}
	return ""
}

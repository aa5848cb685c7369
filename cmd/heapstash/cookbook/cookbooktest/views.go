package cookbooktest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"heapstash/archive/clickhouse/tables"
)

// judgeViews compares the rows of each view that ClickHouse has with the same view of the
// file.
func judgeViews(t *testing.T, lite, house selecter) {
	t.Helper()
	views := rowsOf(t, house, "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'")
	if len(views) < 18 {
		t.Errorf("ClickHouse has the views %v", views)
	}
	empty := 0
	for _, view := range views {
		name := view[0].(string)
		columns := commonColumns(t, name, lite, house)
		if len(columns) < 3 {
			t.Errorf("%s: both have the columns %v", name, columns)
			continue
		}
		statement := "SELECT " + strings.Join(columns, ", ") + " FROM " + tables.Quote(name)
		want, got := rowsOf(t, lite, statement), rowsOf(t, house, statement)
		if len(want) != len(got) {
			t.Errorf("%s: %d rows, SQLite has %d", name, len(got), len(want))
			continue
		}
		if len(want) == 0 {
			empty++
		}
		for _, rows := range [][][]any{want, got} {
			slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(rough(a), rough(b)) })
		}
		for i := range want {
			if !alike(got[i], want[i]) {
				t.Errorf("%s, row %d, %v:\n%v, SQLite has\n%v", name, i, columns, got[i], want[i])
				break
			}
		}
	}
	if empty > 0 {
		t.Errorf("%d views are empty", empty)
	}
}

// commonColumns returns the columns that a view has in both.
func commonColumns(t *testing.T, view string, lite, house selecter) (common []string) {
	t.Helper()
	var of [2][]string
	for i, one := range []selecter{lite, house} {
		err := one.Select(t.Context(), "SELECT * FROM "+tables.Quote(view)+" LIMIT 0", func(columns []string) error {
			of[i] = columns
			return nil
		}, func([]any) error { return nil })
		if err != nil {
			t.Fatalf("%s: %v", view, err)
		}
	}
	for _, column := range of[0] {
		if slices.Contains(of[1], column) {
			common = append(common, tables.Quote(column))
		}
	}
	return common
}

// rough spells a row without the rounding of sums.
func rough(row []any) string {
	var b strings.Builder
	for _, value := range row {
		if n, is := number(value); is {
			value = fmt.Sprintf("%.9g", n)
		}
		fmt.Fprint(&b, value, "\t")
	}
	return b.String()
}

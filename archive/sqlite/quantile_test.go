package sqlite_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"heapstash/archive/sqlite"
)

// quantiles are by nearest rank, exact, and of what is no NULL.
func TestQuantiles(t *testing.T) {
	path := newPath(t)
	open(t, path)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for expression, want := range map[string]any{
		"SELECT median(column1) FROM (VALUES (3), (1), (2))":                                                           int64(2),
		"SELECT median(column1) FROM (VALUES (4), (1), (2), (3))":                                                      int64(2), // the lower one
		"SELECT median(column1) FROM (VALUES (NULL), (7), (NULL))":                                                     int64(7),
		"SELECT median(column1) FROM (VALUES (NULL))":                                                                  nil,
		"SELECT median(1) WHERE 0":                                                                                     nil,
		"SELECT median(column1) FROM (VALUES (9223372036854775807), (9223372036854775806))":                            int64(math.MaxInt64 - 1),
		"SELECT median(column1) FROM (VALUES (1), (1.5), (2))":                                                         1.5,
		"SELECT median(DISTINCT column1) FROM (VALUES (1), (1), (1), (5), (9))":                                        int64(5),
		"SELECT quantile(column1, 0) FROM (VALUES (3), (1), (2))":                                                      int64(1),
		"SELECT quantile(column1, 1) FROM (VALUES (3), (1), (2))":                                                      int64(3),
		"SELECT sum(m) FROM (SELECT median(column2) AS m FROM (VALUES ('a', 1), ('a', 3), ('b', 5)) GROUP BY column1)": int64(6),
	} {
		if got := one(t, r, expression); got != want {
			t.Errorf("%s: %v, want %v", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		"SELECT quantile(1, 1.5)":                                "p must be a number from 0 to 1",
		"SELECT quantile(1, NULL)":                               "p must be a number from 0 to 1",
		"SELECT quantile(1, 'x')":                                "p must be a number from 0 to 1",
		"SELECT quantile(1, column1) FROM (VALUES (0.5), (0.6))": "the same in all rows",
		"SELECT median('web-0')":                                 `x is the text "web-0"`,
		"SELECT median(x'00')":                                   "x is a blob",
		"SELECT median(column1) OVER (ORDER BY column1) FROM (VALUES (1), (2))": "may not be used as a window function",
	} {
		if _, err := ask(t.Context(), r, expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", expression, err, want)
		}
	}
}

// Each whole percentage of each number of values has the rank that rollups give
// it, in whole numbers.
func TestQuantilesHaveTheRanksOfRollups(t *testing.T) {
	path := newPath(t)
	open(t, path)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, n := range []int{1, 2, 19, 20, 60, 100, 1001} {
		var ranks []string
		for percent := 1; percent <= 100; percent++ {
			ranks = append(ranks, fmt.Sprintf("quantile(value, %d / 100.0)", percent))
		}
		got := one(t, r, fmt.Sprintf("WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s LIMIT %d) SELECT json_array(%s) FROM s", n, strings.Join(ranks, ", ")))
		var want []string
		for percent := 1; percent <= 100; percent++ {
			want = append(want, fmt.Sprint((percent*n+99)/100))
		}
		if !slices.Equal(strings.Split(strings.Trim(fmt.Sprint(got), "[]"), ","), want) {
			t.Errorf("of %d values: %v\nwant %v", n, got, want)
		}
	}
}

// one is the only value of a statement.
func one(t *testing.T, r *sqlite.Reader, statement string) (value any) {
	t.Helper()
	rows, err := r.Query(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatalf("%s: no row: %v", statement, rows.Err())
	}
	if err := rows.Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

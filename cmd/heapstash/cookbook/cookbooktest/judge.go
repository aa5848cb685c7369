// Package cookbooktest is for tests of the cookbook's questions on any ClickHouse server:
// it writes the same samples into a file and into ClickHouse, and compares the answers.
package cookbooktest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/cmd/heapstash/cookbook"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// selecter is a reader of either engine.
type selecter interface {
	Select(ctx context.Context, statement string, begin func([]string) error, row func([]any) error) error
}

// Judge makes an archive at the address, which is one of ClickHouse, and asks it and a file
// with the same samples every question; and it compares all views. Docs is the directory of the cookbook's pages. It
// returns the end of the samples.
func Judge(t *testing.T, address, docs string) schema.Instant {
	t.Helper()
	days, end := weeks()
	lite := liteArchive(t, days, end)
	house := houseArchive(t, address, days)
	compare := func(question, liteSQL, houseSQL string) {
		t.Helper()
		want, got := rowsOf(t, lite, liteSQL), rowsOf(t, house, houseSQL)
		if len(want) == 0 || len(got) != len(want) {
			t.Errorf("%s: %d rows, SQLite has %d\n%v\n%v", question, len(got), len(want), got, want)
			return
		}
		for i := range want {
			if !alike(got[i], want[i]) {
				t.Errorf("%s, row %d: %v, SQLite has %v", question, i, got[i], want[i])
			}
		}
	}
	for _, name := range append(cookbook.Names(), "sizing-owner") {
		for _, a := range []cookbook.Asked{
			{Top: -1},
			{Range: 12 * 24 * time.Hour, Top: -1},
			{Namespaces: "[sm]*", Top: -1},
			{Excluded: "ml", Range: 8 * 24 * time.Hour, Top: 4},
		} {
			if name == "packing" {
				a.Namespaces, a.Excluded = "", ""
			}
			a.Now = end
			liteSQL, err := cookbook.SQL(engine.SQLite, name, a)
			houseSQL, houseErr := cookbook.SQL(engine.ClickHouse, name, a)
			if err = errors.Join(err, houseErr); err != nil {
				t.Fatal(err)
			}
			compare(fmt.Sprintf("%s %+v", name, a), liteSQL, houseSQL)
		}
	}
	for name := range others {
		compare(name, otherSQL(t, docs, engine.SQLite, name, end), otherSQL(t, docs, engine.ClickHouse, name, end))
	}
	judgeViews(t, lite, house)
	return end
}

func rowsOf(t *testing.T, of selecter, statement string) (all [][]any) {
	t.Helper()
	err := of.Select(t.Context(), statement, func([]string) error { return nil }, func(row []any) error {
		all = append(all, slices.Clone(row))
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	return all
}

// alike reports whether the rows differ by the rounding of sums at most.
func alike(a, b []any) bool {
	for i := range a {
		x, isNumber := number(a[i])
		y, both := number(b[i])
		if isNumber != both || isNumber && !(math.Abs(x-y) <= 1e-9*max(math.Abs(x), math.Abs(y), 1)) || !isNumber && a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// others are the cookbook's questions that no command asks, on either page.
var others = map[string]string{
	"Which pods are gone, and what did they use?": "", "What restarted?": "", "Which web-0 was that?": "", "What is missing?": "",
	"Which hours are incomplete?": "", "What does a day look like?": "", "A percentile of anything": ": quantile(x, p)", "Who sends most?": "",
}

// otherSQL returns a question of the cookbook that no command asks, as seen from the end.
func otherSQL(t *testing.T, docs string, d engine.Dialect, title string, end schema.Instant) string {
	t.Helper()
	if d == engine.ClickHouse {
		return strings.ReplaceAll(blockBelow(t, filepath.Join(docs, "cookbook-clickhouse.md"), title, "clickhouse"), "{now:Int64}", fmt.Sprint(int64(end)))
	}
	text := blockBelow(t, filepath.Join(docs, "cookbook.md"), title+others[title], "sql")
	return strings.ReplaceAll(strings.TrimSuffix(text, ";\n"), "'now'", fmt.Sprintf("'%s'", end.Time().Format(time.DateTime)))
}

// blockBelow returns the first block of code in a language below a title of a page.
func blockBelow(t *testing.T, page, title, language string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## "+title+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, section, begun := strings.Cut(section, "```"+language+"\n")
	block, _, ended := strings.Cut(section, "```")
	if !found || !begun || !ended {
		t.Fatalf("%s has no %s below %q", page, language, title)
	}
	return block
}

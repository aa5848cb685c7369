// Package cookbook answers the cookbook's questions: each is one SQL statement, which
// docs/cookbook.md has, too.
package cookbook

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"heapstash/schema"
)

//go:embed *.sql
var texts embed.FS

// Names returns the reports' names.
func Names() []string { return []string{"sizing", "idle", "growth", "movers", "packing"} }

// Asked is the values in the first line of a statement. The rest of a statement is always
// the same.
type Asked struct {
	// Now is the end of the range, not included; zero for the moment at which the
	// statement runs.
	Now schema.Instant
	// Range is the range's length, in whole days; zero for the report's usual one.
	Range time.Duration
	// Namespaces and Excluded are globs, empty for none.
	Namespaces, Excluded string
	// Top is how many rows are wanted; zero for the report's usual number, and
	// negative for all.
	Top int
}

// Text returns a report's statement as the cookbook has it. The name is one of [Names] or
// "sizing-owner".
func Text(name string) (string, error) {
	text, err := fs.ReadFile(texts, name+".sql")
	return string(text), err
}

// SQL returns a report's statement for what is asked. It runs in stock sqlite3.
func SQL(name string, a Asked) (string, error) {
	text, err := Text(name)
	if err != nil {
		return "", err
	}
	first, rest, _ := strings.Cut(text, "\n")
	for _, change := range []struct {
		wanted     bool
		name, with string
	}{
		{a.Now != 0, "now", fmt.Sprint(int64(a.Now))},
		{a.Range > 0, "days", fmt.Sprint(int64(a.Range / (24 * time.Hour)))},
		{a.Namespaces != "", "namespaces", quoted(a.Namespaces)},
		{a.Excluded != "", "excluded", quoted(a.Excluded)},
		{a.Top != 0, "top", fmt.Sprint(a.Top)},
	} {
		if !change.wanted {
			continue
		}
		before, after, found := strings.Cut(first, " AS "+change.name)
		if !found {
			return "", fmt.Errorf("the report %s has no %s", name, change.name)
		}
		// The value follows the last comma, or the word SELECT.
		at := max(strings.LastIndex(before, ", ")+2, strings.LastIndex(before, "SELECT ")+len("SELECT "))
		first = before[:at] + change.with + " AS " + change.name + after
	}
	return first + "\n" + rest, nil
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

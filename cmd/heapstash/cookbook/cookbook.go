// Package cookbook answers the cookbook's questions: each is one SQL statement for each
// engine. docs/cookbook.md has SQLite's, docs/cookbook-clickhouse.md ClickHouse's.
package cookbook

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

//go:embed *.sql clickhouse/*.sql
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
func Text(d engine.Dialect, name string) (string, error) {
	if d == engine.ClickHouse {
		name = "clickhouse/" + name
	}
	text, err := fs.ReadFile(texts, name+".sql")
	return string(text), err
}

// SQL returns a report's statement for what is asked. It runs in the engine's own shell.
func SQL(d engine.Dialect, name string, a Asked) (string, error) {
	if d == engine.ClickHouse {
		return clickHouseSQL(name, a)
	}
	text, err := Text(d, name)
	if err != nil {
		return "", err
	}
	first, rest, _ := strings.Cut(text, "\n")
	for _, value := range a.values() {
		before, after, found := strings.Cut(first, " AS "+value.name)
		if !found {
			return "", fmt.Errorf("the report %s has no %s", name, value.name)
		}
		// The value follows the last comma, or the word SELECT.
		at := max(strings.LastIndex(before, ", ")+2, strings.LastIndex(before, "SELECT ")+len("SELECT "))
		first = before[:at] + value.text + " AS " + value.name + after
	}
	return first + "\n" + rest, nil
}

// asked is a value in SQL.
type asked struct{ name, text string }

// values returns the values that replace the report's usual ones.
func (a Asked) values() (all []asked) {
	for _, value := range []struct {
		wanted bool
		asked
	}{
		{a.Now != 0, asked{"now", fmt.Sprint(int64(a.Now))}},
		{a.Range > 0, asked{"days", fmt.Sprint(int64(a.Range / (24 * time.Hour)))}},
		{a.Namespaces != "", asked{"namespaces", quoted(a.Namespaces)}},
		{a.Excluded != "", asked{"excluded", quoted(a.Excluded)}},
		{a.Top != 0, asked{"top", fmt.Sprint(a.Top)}},
	} {
		if value.wanted {
			all = append(all, value.asked)
		}
	}
	return all
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// rowFormats are the names of the formats of rows, as --format takes them. All
// but table, markdown and line are for programs.
var rowFormats = []string{"table", "csv", "tsv", "json", "json-array", "markdown", "line"}

// formatUsage is the help of a --format that takes [rowFormats].
const formatUsage = "table, csv, tsv, json (an object a line), json-array, markdown, or line (a value a line)"

// newRowWriter returns a writer of one result in a format of [rowFormats].
func newRowWriter(format string, w io.Writer) (rowWriter, error) {
	switch format {
	case "table":
		return &tableRows{table: show.NewGrid(w)}, nil
	case "markdown":
		return &tableRows{table: show.NewGrid(w), markdown: true}, nil
	case "csv":
		return &csvRows{csv.NewWriter(w)}, nil
	case "tsv":
		return &tsvRows{w: w}, nil
	case "json":
		return &jsonRows{w: w}, nil
	case "json-array":
		return &jsonArrayRows{jsonRows: jsonRows{w: w}}, nil
	case "line":
		return &lineRows{w: w}, nil
	}
	hint := "use one of " + strings.Join(rowFormats, ", ")
	if near := nearest(format, rowFormats); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, schema.WithHint(fmt.Errorf("no format %q", format), hint)
}

// holdsRows reports whether a format keeps all rows in memory until the last.
func holdsRows(format string) bool { return slices.Contains([]string{"table", "markdown"}, format) }

// headless leaves out the line of the columns' names: a column alone is then a
// value a line.
type headless struct{ rowWriter }

func (headless) begin([]string) error { return nil }

// withoutHeader returns a writer without the columns' names. It refuses formats
// in which a value would lose its meaning.
func withoutHeader(format string, w io.Writer) (rowWriter, error) {
	if format != "csv" && format != "tsv" {
		return nil, schema.WithHint(fmt.Errorf("--no-header does not go with --format %s", format), "it goes with csv and tsv")
	}
	out, err := newRowWriter(format, w)
	return headless{out}, err
}

// tsvRows writes columns with tabs between them. Inside a value a tab, a line's
// end and a backslash are \t, \n, \r and \\; NULL is an empty field.
type tsvRows struct {
	w    io.Writer
	line []byte
}

// The escapes are those that PostgreSQL and ClickHouse read.
var tsvEscapes = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func (t *tsvRows) begin(columns []string) error {
	fields := make([]any, len(columns))
	for i, name := range columns {
		fields[i] = name
	}
	return t.row(fields)
}

func (t *tsvRows) row(values []any) error {
	t.line = t.line[:0]
	for i, v := range values {
		if i > 0 {
			t.line = append(t.line, '\t')
		}
		t.line = append(t.line, tsvEscapes.Replace(spell(v))...)
	}
	t.line = append(t.line, '\n')
	_, err := t.w.Write(t.line)
	return err
}

func (t *tsvRows) end() error { return nil }

// jsonArrayRows writes one array, an object a line.
type jsonArrayRows struct {
	jsonRows
	count int
}

func (j *jsonArrayRows) row(values []any) error {
	j.line.Reset()
	j.line.WriteString(separator(j.count == 0, "[", ",\n"))
	j.count++
	j.object(values)
	_, err := j.w.Write(j.line.Bytes())
	return err
}

func (j *jsonArrayRows) end() error {
	_, err := io.WriteString(j.w, separator(j.count == 0, "[]\n", "]\n"))
	return err
}

func separator(first bool, begin, between string) string {
	if first {
		return begin
	}
	return between
}

// lineRows writes a value a line, as `column = value`, and an empty line
// between rows. It is for people, and for a row with many columns.
type lineRows struct {
	w     io.Writer
	names []string
	count int
}

func (l *lineRows) begin(columns []string) error {
	widest := 0
	for _, name := range columns {
		widest = max(widest, len([]rune(visible(name))))
	}
	for _, name := range columns {
		name = visible(name)
		l.names = append(l.names, strings.Repeat(" ", widest-len([]rune(name)))+name)
	}
	return nil
}

func (l *lineRows) row(values []any) error {
	var text strings.Builder
	text.WriteString(separator(l.count == 0, "", "\n"))
	l.count++
	for i, v := range values {
		text.WriteString(l.names[i] + " = " + shown(v) + "\n")
	}
	_, err := io.WriteString(l.w, text.String())
	return err
}

func (l *lineRows) end() error { return nil }

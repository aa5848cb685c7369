package show

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"heapstash/cmd/heapstash/guess"
	"heapstash/schema"
)

// RowFormats are the names of the formats of rows. All except table, markdown and line
// are for programs.
var RowFormats = []string{"table", "csv", "tsv", "json", "json-array", "markdown", "line"}

// FormatUsage is the help of --format with [RowFormats].
const FormatUsage = "table, csv, tsv, json (an object a line), json-array, markdown, or line (a value a line)"

// NewRowWriter returns a writer in a format of [RowFormats], for one result.
func NewRowWriter(format string, w io.Writer) (RowWriter, error) {
	switch format {
	case "table":
		return &tableRows{w: w}, nil
	case "markdown":
		return &tableRows{w: w, markdown: true}, nil
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
	return nil, schema.WithHint(fmt.Errorf("no format %q", format),
		guess.DidYouMean(format, RowFormats, "use one of "+strings.Join(RowFormats, ", ")))
}

// HoldsRows reports whether a format keeps all rows in memory.
func HoldsRows(format string) bool { return slices.Contains([]string{"table", "markdown"}, format) }

// headless leaves out the header.
type headless struct{ RowWriter }

func (headless) Begin([]string) error { return nil }

// WithoutHeader returns a writer that leaves out the header. It refuses formats that
// need the columns' names.
func WithoutHeader(format string, w io.Writer) (RowWriter, error) {
	if format != "csv" && format != "tsv" {
		return nil, schema.WithHint(fmt.Errorf("--no-header does not go with --format %s", format), "it goes with csv and tsv")
	}
	out, err := NewRowWriter(format, w)
	return headless{out}, err
}

// tsvRows writes fields with tabs between them. Tabs, line ends and backslashes inside a
// field are \t, \n, \r and \\; NULL is an empty field.
type tsvRows struct {
	w    io.Writer
	line []byte
}

// PostgreSQL and ClickHouse read these escapes.
var tsvEscapes = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func (t *tsvRows) Begin(columns []string) error {
	fields := make([]any, len(columns))
	for i, name := range columns {
		fields[i] = name
	}
	return t.Row(fields)
}

func (t *tsvRows) Row(values []any) error {
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

func (t *tsvRows) End() error { return nil }

// jsonArrayRows writes one array, an object a line.
type jsonArrayRows struct {
	jsonRows
	count int
}

func (j *jsonArrayRows) Row(values []any) error {
	j.line.Reset()
	j.line.WriteString(separator(j.count == 0, "[", ",\n"))
	j.count++
	j.object(values)
	_, err := j.w.Write(j.line.Bytes())
	return err
}

func (j *jsonArrayRows) End() error {
	_, err := io.WriteString(j.w, separator(j.count == 0, "[]\n", "]\n"))
	return err
}

func separator(first bool, begin, between string) string {
	if first {
		return begin
	}
	return between
}

// lineRows writes a value a line, as `column = value`, and an empty line between rows.
// It is for people, and for rows with many columns.
type lineRows struct {
	w     io.Writer
	names []string
	count int
}

func (l *lineRows) Begin(columns []string) error {
	widest := 0
	for _, name := range columns {
		widest = max(widest, len([]rune(Visible(name))))
	}
	for _, name := range columns {
		name = Visible(name)
		l.names = append(l.names, strings.Repeat(" ", widest-len([]rune(name)))+name)
	}
	return nil
}

func (l *lineRows) Row(values []any) error {
	var text strings.Builder
	text.WriteString(separator(l.count == 0, "", "\n"))
	l.count++
	for i, v := range values {
		text.WriteString(l.names[i] + " = " + shown(v) + "\n")
	}
	_, err := io.WriteString(l.w, text.String())
	return err
}

func (l *lineRows) End() error { return nil }

package show

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"regexp"

	"heapstash/schema"
)

// UsualRows is how many rows a format that holds all rows in memory takes.
const UsualRows = 100_000

// RowWriter writes a query's result: Begin once, Row for each row, End once after
// the last. The values are nil, int64, float64, string or []byte, as SQLite has
// them.
type RowWriter interface {
	Begin(columns []string) error
	Row(values []any) error
	End() error
}

// tableRows aligns numbers to the right. It prints nothing before it has seen all
// rows.
type tableRows struct {
	w        io.Writer
	grid     *Grid
	markdown bool
	text     []bool // the columns that have a value that is not a number
	count    int
}

func (t *tableRows) Begin(columns []string) error {
	t.text = make([]bool, len(columns))
	header := make([]string, len(columns))
	for i, name := range columns {
		header[i] = t.cell(name)
	}
	t.grid = NewGrid(t.w, header...)
	return nil
}

func (t *tableRows) Row(values []any) error {
	cells := make([]any, len(values))
	for i, v := range values {
		switch v.(type) {
		case nil, int64, float64:
		default:
			t.text[i] = true
		}
		cells[i] = t.cell(shown(v))
	}
	t.grid.Row(cells...)
	t.count++
	return nil
}

func (t *tableRows) End() error {
	for i, isText := range t.text {
		if !isText && t.count > 0 {
			t.grid.AlignRight(i)
		}
	}
	if t.markdown {
		t.grid.renderMarkdown()
	} else {
		t.grid.Render()
	}
	return nil
}

// cell spells a cell. In Markdown, it escapes the marks of Markdown.
func (t *tableRows) cell(text string) string {
	if !t.markdown {
		return Visible(text)
	}
	return markdownMarks.ReplaceAllString(Visible(text), `\$0`)
}

// markdownMarks are the marks of Markdown inside a line. An underscore inside a word is
// not one; go-pretty escapes the bar.
var markdownMarks = regexp.MustCompile("[\\\\`*~<&\\[\\]]|\\b_|_\\b|^_|_$")

type csvRows struct{ csv *csv.Writer }

func (c *csvRows) Begin(columns []string) error { return c.csv.Write(columns) }

func (c *csvRows) Row(values []any) error {
	fields := make([]string, len(values))
	for i, v := range values {
		fields[i] = spell(v)
	}
	return c.csv.Write(fields)
}

func (c *csvRows) End() error {
	c.csv.Flush()
	return c.csv.Error()
}

// jsonRows writes an object a line, with its members in the order of the columns.
type jsonRows struct {
	w    io.Writer
	keys [][]byte
	line bytes.Buffer
}

func (j *jsonRows) Begin(columns []string) error {
	for _, name := range columns {
		j.keys = append(j.keys, schema.JSONText(name))
	}
	return nil
}

func (j *jsonRows) Row(values []any) error {
	j.line.Reset()
	j.object(values)
	j.line.WriteByte('\n')
	_, err := j.w.Write(j.line.Bytes())
	return err
}

// object adds a row's object to the line.
func (j *jsonRows) object(values []any) {
	for i, v := range values {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		j.line.WriteByte(separator)
		j.line.Write(j.keys[i])
		j.line.WriteByte(':')
		j.line.Write(jsonValue(v))
	}
	j.line.WriteByte('}')
}

func (j *jsonRows) End() error { return nil }

func jsonValue(value any) []byte {
	switch v := value.(type) {
	case nil:
		return []byte("null")
	case float64:
		// JSON has no infinity. This number overflows to infinity when it is read.
		if math.IsInf(v, 0) {
			return []byte(fmt.Sprintf("%.0fe999", math.Copysign(9, v)))
		}
		return []byte(spell(v))
	case int64:
		return []byte(spell(v))
	case []byte:
		return schema.JSONText(hex.EncodeToString(v))
	default:
		return schema.JSONText(fmt.Sprint(v))
	}
}

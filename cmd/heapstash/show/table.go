package show

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Table is a table that fits the terminal. It breaks long texts at words. If it still
// does not fit, it prints each row as a list of cells.
type Table struct {
	w       io.Writer
	columns []string
	rows    [][]any
}

// NewTable returns a table with the columns and no rows.
func NewTable(w io.Writer, columns ...string) *Table {
	return &Table{w: w, columns: columns}
}

// Row adds a row. It has a cell for each column, spelled as fmt.Sprint does.
func (t *Table) Row(cells ...any) { t.rows = append(t.rows, cells) }

const (
	between = 2 // blanks after a column
	// leastBroken is the least width to which texts are broken.
	leastBroken = 20
)

// Render writes the table.
func (t *Table) Render() {
	limit := Width(t.w)
	widths, fits := t.fit(limit)
	if !fits {
		t.renderList(limit)
		return
	}
	grid := NewGrid(t.w, t.columns...)
	for i := range t.columns {
		if limit > 0 {
			grid.limit(i, widths[i])
		}
	}
	for _, row := range t.rows {
		grid.Row(row...)
	}
	grid.Render()
}

// fit returns the columns' widths if the table fits into limit columns, 0 for no limit.
// It narrows the widest column with texts of several words until the table fits.
func (t *Table) fit(limit int) (widths []int, fits bool) {
	widths = make([]int, len(t.columns))
	broken := make([]int, len(t.columns)) // the widest word
	for i, name := range t.columns {
		widths[i], broken[i] = text.StringWidth(name), text.StringWidth(name)
		for _, row := range t.rows {
			cell := fmt.Sprint(row[i])
			widths[i] = max(widths[i], text.StringWidthWithoutEscSequences(cell))
			for word := range strings.FieldsSeq(cell) {
				broken[i] = max(broken[i], text.StringWidthWithoutEscSequences(word))
			}
		}
	}
	for limit > 0 {
		sum := between * (len(widths) - 1)
		widest := -1
		for i, width := range widths {
			sum += width
			if width > max(broken[i], leastBroken) && (widest < 0 || width > widths[widest]) {
				widest = i
			}
		}
		if sum <= limit {
			break
		}
		if widest < 0 {
			return nil, false
		}
		widths[widest]--
	}
	return widths, true
}

// renderList writes each row as a list of cells.
func (t *Table) renderList(limit int) {
	indent := 0
	for _, name := range t.columns {
		indent = max(indent, text.StringWidth(name))
	}
	indent += between
	for i, row := range t.rows {
		if i > 0 {
			fmt.Fprintln(t.w)
		}
		for j, cell := range row {
			if body := fmt.Sprint(cell); body != "" {
				io.WriteString(t.w, Wrap(limit, fmt.Sprintf("%-*s", indent, t.columns[j]), body))
			}
		}
	}
}

// List is pairs of a name and a text. The texts stand below one another.
type List struct {
	w     io.Writer
	pairs [][2]string
}

// NewList returns an empty list.
func NewList(w io.Writer) *List { return &List{w: w} }

// Pair adds a pair. An empty name continues the pair before.
func (l *List) Pair(name, format string, args ...any) {
	l.pairs = append(l.pairs, [2]string{name, fmt.Sprintf(format, args...)})
}

// Render writes the list.
func (l *List) Render() error {
	indent := 0
	for _, p := range l.pairs {
		indent = max(indent, text.StringWidthWithoutEscSequences(p[0])+between)
	}
	var out strings.Builder
	for _, p := range l.pairs {
		first := p[0] + strings.Repeat(" ", indent-text.StringWidthWithoutEscSequences(p[0]))
		out.WriteString(Wrap(Width(l.w), first, p[1]))
	}
	_, err := io.WriteString(l.w, out.String())
	return err
}

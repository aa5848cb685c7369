package show

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Grid is a table of any width: the header as it is spelled, a line below it, two
// blanks between columns, no frame.
type Grid struct {
	writer  table.Writer
	columns []table.ColumnConfig
}

// NewGrid returns a grid with the columns' names and no rows.
func NewGrid(w io.Writer, names ...string) *Grid {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Format.Header = text.FormatDefault
	style.Format.Footer = text.FormatDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Box.MiddleHorizontal = "-"
	style.Box.MiddleVertical, style.Box.MiddleSeparator = "", "-"
	style.Markdown.PadContent = true
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	header := make(table.Row, len(names))
	for i, name := range names {
		header[i] = name
	}
	t.AppendHeader(header)
	return &Grid{writer: t}
}

// AlignRight aligns columns to the right, by their index.
func (g *Grid) AlignRight(columns ...int) {
	for _, i := range columns {
		g.columns = append(g.columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
}

// limit breaks the texts of a column at words, so that it is no wider.
func (g *Grid) limit(column, width int) {
	g.columns = append(g.columns, table.ColumnConfig{Number: column + 1, WidthMax: width, WidthMaxEnforcer: text.WrapSoft})
}

// Row adds a row. It has a cell for each column, spelled as fmt.Sprint does.
func (g *Grid) Row(cells ...any) { g.writer.AppendRow(cells) }

// Line adds a line between rows.
func (g *Grid) Line() { g.writer.AppendSeparator() }

// Render writes the grid.
func (g *Grid) Render() {
	g.writer.SetColumnConfigs(g.columns)
	g.writer.Render()
}

// renderMarkdown writes the grid as a table of Markdown.
func (g *Grid) renderMarkdown() {
	g.writer.SetColumnConfigs(g.columns)
	g.writer.RenderMarkdown()
}

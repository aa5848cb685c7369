package show

import (
	"regexp"
	"strings"
)

// Block is a paragraph or an item of a list.
type Block struct {
	// Indent is the indentation of the first line, in columns.
	Indent int
	// Term begins an item: "avg", or "-". It is empty in a paragraph.
	Term string
	Text string // on one line
	// Hang is the column in which the text of an item stands.
	Hang int
	// Gap is set if a blank line precedes the block.
	Gap bool
}

// termed is an item: a term, at least two blanks, and the text; or a dash.
var termed = regexp.MustCompile(`^(-|\S+(?: \S+)*?(?:  |$))\s*(.*)$`)

// Blocks splits a text with lines of any length. Lines that begin in the first column
// are paragraphs, and blank lines separate them. An indented line is an item of a
// list, and lines that are indented further belong to it.
func Blocks(document string) []Block {
	var blocks []Block
	gap, open := false, false
	for line := range strings.Lines(document) {
		body := strings.TrimSpace(line)
		if body == "" {
			gap, open = true, false
			continue
		}
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if open {
			last := &blocks[len(blocks)-1]
			if last.Indent == 0 && indent == 0 || last.Indent > 0 && indent > last.Indent {
				last.Text = strings.TrimSpace(last.Text + " " + body)
				continue
			}
		}
		b := Block{Indent: indent, Text: body, Hang: indent, Gap: gap}
		if indent > 0 {
			b.Hang = indent + 2
			if m := termed.FindStringSubmatch(body); m != nil && m[2] != "" {
				b.Term, b.Text = strings.TrimSpace(m[1]), m[2]
				b.Hang = indent + len(body) - len(m[2])
			}
		}
		blocks = append(blocks, b)
		gap, open = false, true
	}
	return blocks
}

// Document breaks the lines of a text of [Blocks] so that they fit the width.
func Document(width int, document string) string {
	var out strings.Builder
	for i, b := range Blocks(document) {
		if b.Gap && i > 0 {
			out.WriteByte('\n')
		}
		first := strings.Repeat(" ", b.Indent)
		if b.Term != "" {
			first += b.Term
			first += strings.Repeat(" ", max(b.Hang-len(first), 1))
		}
		out.WriteString(WrapHanging(width, first, b.Hang, b.Text))
	}
	return out.String()
}

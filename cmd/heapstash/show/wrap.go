package show

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// leastText is how many columns a text has beside its indentation at least.
const leastText = 16

// Wrap breaks each line of a text at words, so that no line is wider than width columns;
// 0 leaves the lines whole. The first line begins with first, and the others are
// indented to its width. A command in `backquotes` stays on one line if it fits, so
// that it can be copied. A word longer than the width stays whole. Each line ends with
// a newline.
func Wrap(width int, first, body string) string {
	return WrapHanging(width, first, text.StringWidthWithoutEscSequences(first), body)
}

// WrapHanging is [Wrap] with another indentation of the lines after the first.
func WrapHanging(width int, first string, indent int, body string) string {
	if width > 0 && indent > max(width-leastText, 0) {
		indent = min(indent, 4)
	}
	var out strings.Builder
	line, used := first, text.StringWidthWithoutEscSequences(first)
	empty := true // nothing but the indentation is on the line
	end := func() {
		out.WriteString(strings.TrimRight(line, " ") + "\n")
		line, used, empty = strings.Repeat(" ", indent), indent, true
	}
	// If the term does not fit beside its text, the text begins below it.
	if width > 0 && used > indent && used > width-leastText {
		end()
	}
	for i, paragraph := range strings.Split(strings.TrimRight(body, "\n"), "\n") {
		if i > 0 {
			end()
		}
		if width == 0 {
			line += paragraph
			continue
		}
		lead := paragraph[:len(paragraph)-len(strings.TrimLeft(paragraph, " "))]
		line, used = line+lead, used+len(lead)
		for _, word := range words(paragraph, width-indent) {
			size := text.StringWidthWithoutEscSequences(word)
			switch {
			case empty:
				line, used = line+word, used+size
			case used+1+size <= width:
				line, used = line+" "+word, used+1+size
			default:
				end()
				line, used = line+word, used+size
			}
			empty = false
		}
	}
	end()
	return out.String()
}

// words splits a line at blanks. A command in backquotes that is not wider than room is
// one word.
func words(line string, room int) []string {
	var all []string
	var command []string // the words since a backquote that is open
	for _, word := range strings.Fields(line) {
		open := len(command) > 0
		if strings.Count(word, "`")%2 == 1 {
			open = !open
		}
		command = append(command, word)
		if open {
			continue
		}
		if joined := strings.Join(command, " "); text.StringWidthWithoutEscSequences(joined) <= room {
			all = append(all, joined)
		} else {
			all = append(all, command...)
		}
		command = nil
	}
	return append(all, command...)
}

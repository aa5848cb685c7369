package show

import (
	"errors"
	"io"
	"strings"

	"heapstash/schema"
)

// ErrInterrupted is the error of a command that a signal ended.
var ErrInterrupted = errors.New("interrupted")

// Error writes an error for people: its message and its hint, if it has one, with a
// prefix before each line.
func Error(w io.Writer, err error) {
	if err == nil {
		return
	}
	Lines(w, "heapstash: ", err.Error())
	if hint := schema.HintOf(err); hint != "" {
		Lines(w, "hint: ", hint)
	}
}

// Lines writes the lines of a text with a prefix each, wrapped on a terminal.
func Lines(w io.Writer, prefix, text string) {
	for line := range strings.Lines(text) {
		io.WriteString(w, Wrap(Width(w), prefix, strings.TrimRight(line, "\n")))
	}
}

package show

import (
	"errors"
	"io"
	"strings"

	"heapstash/schema"
)

// ErrInterrupted is what a signal makes of the error that it caused.
var ErrInterrupted = errors.New("interrupted")

// Error writes the error for people: its message, and its hint if it has
// one, a prefix before each line.
func Error(w io.Writer, err error) {
	if err == nil {
		return
	}
	Lines(w, "heapstash: ", err.Error())
	if hint := schema.HintOf(err); hint != "" {
		Lines(w, "hint: ", hint)
	}
}

// Lines writes lines with a prefix each. On a terminal they are wrapped.
func Lines(w io.Writer, prefix, text string) {
	for line := range strings.Lines(text) {
		io.WriteString(w, Wrap(Width(w), prefix, strings.TrimRight(line, "\n")))
	}
}

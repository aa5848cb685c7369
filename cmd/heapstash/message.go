package main

import (
	"errors"
	"io"
	"strings"

	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// errInterrupted is what a signal makes of the error that it caused.
var errInterrupted = errors.New("interrupted")

// report writes the error for people: its message, and its hint if it has
// one, a prefix before each line.
func report(w io.Writer, err error) {
	if err == nil {
		return
	}
	lines(w, "heapstash: ", err.Error())
	if hint := schema.HintOf(err); hint != "" {
		lines(w, "hint: ", hint)
	}
}

// lines writes lines with a prefix each. On a terminal they are wrapped.
func lines(w io.Writer, prefix, text string) {
	for line := range strings.Lines(text) {
		io.WriteString(w, show.Wrap(show.Width(w), prefix, strings.TrimRight(line, "\n")))
	}
}

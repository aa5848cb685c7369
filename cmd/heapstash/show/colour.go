package show

import (
	"io"
	"os"

	"heapstash/archive"
)

// Colour is an ANSI escape sequence, or empty for no colour.
type Colour string

// The colours that heapstash uses.
const (
	Red    Colour = "\x1b[31m"
	Green  Colour = "\x1b[32m"
	Yellow Colour = "\x1b[33m"
)

const reset = "\x1b[0m"

// Painter colours text for one stream, or leaves it as it is.
type Painter struct{ on bool }

// NewPainter returns a painter for a stream. It colours text only on a terminal with
// colours, and only if NO_COLOR is not set (https://no-color.org).
func NewPainter(w io.Writer) Painter {
	terminal := os.Getenv("TERM")
	return Painter{IsTerminal(w) && terminal != "dumb" && terminal != "" && os.Getenv("NO_COLOR") == ""}
}

// Paint returns the text in that colour.
func (p Painter) Paint(c Colour, text string) string {
	if !p.on || c == "" || text == "" {
		return text
	}
	return string(c) + text + reset
}

// OutcomeColours are the colours of a pass's outcomes.
var OutcomeColours = map[archive.Outcome]Colour{
	archive.OutcomeComplete: Green, archive.OutcomePartial: Yellow, archive.OutcomeFailed: Red,
}

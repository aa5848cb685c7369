package show

import (
	"fmt"
	"io"
	"strings"
	"time"

	"heapstash/schema"
)

// Progress shows on a terminal how much of a range of time is done, in one line that is
// cleared at the end. On other streams it writes nothing.
type Progress struct {
	out      io.Writer // nil: no terminal
	from, to schema.Instant
	drawn    time.Time
}

// progressEvery is the shortest time between two lines.
const progressEvery = 100 * time.Millisecond

// NewProgress returns the progress of a range, and shows its begin.
func NewProgress(out io.Writer, from, to schema.Instant) *Progress {
	p := &Progress{from: from, to: to}
	if IsTerminal(out) {
		p.out = out
		p.At(from)
	}
	return p
}

// At shows that everything up to a moment is done.
func (p *Progress) At(at schema.Instant) {
	if p.out == nil || time.Since(p.drawn) < progressEvery {
		return
	}
	p.drawn = time.Now()
	fmt.Fprint(p.out, "\r"+p.line(at))
}

// line returns the line for a moment, in less than 80 columns.
func (p *Progress) line(at schema.Instant) string {
	const width = 40
	share := 1.0
	if p.to > p.from {
		share = float64(at-p.from) / float64(p.to-p.from)
	}
	done := int(share * width)
	return fmt.Sprintf("  [%s%s] %3.0f %%  %s", strings.Repeat("#", done), strings.Repeat(".", width-done), 100*share, at.Time().Format("2006-01-02 15:04"))
}

// End clears the line.
func (p *Progress) End() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", 79)+"\r")
	}
}

// Steps returns a function that writes each step over the step before. It is nil if the
// stream is not a terminal.
func Steps(w io.Writer) func(step string, done, all int) {
	if !IsTerminal(w) {
		return nil
	}
	return func(step string, done, all int) {
		const clear = "\r\x1b[K"
		if done == all {
			fmt.Fprint(w, clear)
			return
		}
		fmt.Fprintf(w, "%s%d of %d: %s", clear, done+1, all, step)
	}
}

package show

import (
	"fmt"
	"io"
	"strings"
	"time"

	"heapstash/schema"
)

// progress shows on a terminal how far a range of time has come, in one line
// that goes away at the end. Elsewhere it writes nothing.
type progress struct {
	out      io.Writer // nil: no terminal
	from, to schema.Instant
	drawn    time.Time
}

// progressEvery is how long a line stays at least.
const progressEvery = 100 * time.Millisecond

func NewProgress(out io.Writer, from, to schema.Instant) *progress {
	p := &progress{from: from, to: to}
	if IsTerminal(out) {
		p.out = out
		p.At(from)
	}
	return p
}

// At shows that everything up to a moment is done.
func (p *progress) At(at schema.Instant) {
	if p.out == nil || time.Since(p.drawn) < progressEvery {
		return
	}
	p.drawn = time.Now()
	fmt.Fprint(p.out, "\r"+p.line(at))
}

// line is that of a moment: less than 80 columns.
func (p *progress) line(at schema.Instant) string {
	const width = 40
	share := 1.0
	if p.to > p.from {
		share = float64(at-p.from) / float64(p.to-p.from)
	}
	done := int(share * width)
	return fmt.Sprintf("  [%s%s] %3.0f %%  %s", strings.Repeat("#", done), strings.Repeat(".", width-done), 100*share, at.Time().Format("2006-01-02 15:04"))
}

// End takes the line away.
func (p *progress) End() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r"+strings.Repeat(" ", 79)+"\r")
	}
}

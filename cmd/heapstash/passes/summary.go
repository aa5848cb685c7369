package passes

import (
	"fmt"
	"io"
	"time"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// PrintSummary prints for people what a pass did.
func PrintSummary(w io.Writer, s collect.Summary) error {
	p := s.Pass
	l := show.NewList(w)
	l.Pair(fmt.Sprintf("pass %d", p.ID), "%s, %v", show.NewPainter(w).Paint(show.OutcomeColours[p.Outcome], string(p.Outcome)), p.Finished.Sub(p.Started).Round(time.Millisecond))
	l.Pair("samples", "%d new, %d read again, %d in conflict", p.New, p.Duplicates, p.Conflicts)
	l.Pair("entities", "%d", p.Entities)
	l.Pair("requests", "%d, %s", p.Requests, schema.Size(p.Bytes))
	l.Pair("newest", "%v", p.Newest)
	switch {
	case s.NewArchive:
		l.Pair("archive", "%s, a new one", s.Archive)
	case s.Archive != "":
		l.Pair("archive", "%s", s.Archive)
	}
	if p.Gap > 0 {
		l.Pair("lost", "%v since the pass before", p.Gap)
	}
	for _, g := range groupHoles(s.Holes) {
		l.Pair("hole", "%d %s: %s", g.count, g.cause, g.detail)
		if g.hint != "" {
			l.Pair("", "hint: %s", g.hint)
		}
	}
	return l.Render()
}

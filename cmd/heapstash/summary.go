package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// printSummary tells people what a pass did.
func printSummary(w io.Writer, s collect.Summary) error {
	p := s.Pass
	l := show.NewList(w)
	l.Pair(fmt.Sprintf("pass %d", p.ID), "%s, %v", show.NewPainter(w).Paint(outcomeColour(p.Outcome), string(p.Outcome)), p.Finished.Sub(p.Started).Round(time.Millisecond))
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

// outcomeColour is how an outcome looks on a terminal.
func outcomeColour(o schema.Outcome) show.Colour {
	switch o {
	case schema.OutcomeComplete:
		return show.Green
	case schema.OutcomePartial:
		return show.Yellow
	case schema.OutcomeFailed:
		return show.Red
	}
	return show.Plain
}

// holeGroup is the holes of one cause.
type holeGroup struct {
	cause  schema.Cause
	count  int
	detail string // of the first one, with its scope
	hint   string // likewise
}

// groupHoles counts holes by cause, in the order in which the causes came.
func groupHoles(holes []schema.Hole) []holeGroup {
	var groups []holeGroup
	for _, h := range holes {
		i := slices.IndexFunc(groups, func(g holeGroup) bool { return g.cause == h.Cause })
		if i < 0 {
			i = len(groups)
			groups = append(groups, holeGroup{cause: h.Cause, detail: h.Scope() + ": " + h.Detail, hint: h.Hint})
		}
		groups[i].count++
	}
	return groups
}

// countCauses lists how many holes each cause made, but for lasting ones,
// which make no pass incomplete.
func countCauses(holes []schema.Hole) string {
	holes = slices.DeleteFunc(slices.Clone(holes), func(h schema.Hole) bool { return !h.Incomplete() })
	var counts []string
	for _, g := range groupHoles(holes) {
		counts = append(counts, fmt.Sprintf("%d %s", g.count, g.cause))
	}
	return strings.Join(counts, ", ")
}

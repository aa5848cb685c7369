package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"heapstash/archive/collect"
	"heapstash/schema"
)

// printSummary tells people what a pass did.
func printSummary(w io.Writer, s collect.Summary) error {
	p := s.Pass
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "pass %d\t%s, %v\n", p.ID, p.Outcome, p.Finished.Sub(p.Started).Round(time.Millisecond))
	fmt.Fprintf(t, "samples\t%d new, %d read again, %d in conflict\n", p.New, p.Duplicates, p.Conflicts)
	fmt.Fprintf(t, "entities\t%d\n", p.Entities)
	fmt.Fprintf(t, "requests\t%d, %s\n", p.Requests, schema.Size(p.Bytes))
	fmt.Fprintf(t, "newest\t%v\n", p.Newest)
	if p.Gap > 0 {
		fmt.Fprintf(t, "lost\t%v since the pass before\n", p.Gap)
	}
	for _, g := range groupHoles(s.Holes) {
		fmt.Fprintf(t, "hole\t%d %s: %s\n", g.count, g.cause, g.detail)
		if g.hint != "" {
			fmt.Fprintf(t, "\thint: %s\n", g.hint)
		}
	}
	return t.Flush()
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

package passes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// ErrHoles is a pass that finished, and lacks something that could be had.
var ErrHoles = errors.New("the pass has holes")

// HolesError tells how many holes there are, and what to do about the first
// for which that is known.
func HolesError(holes []archive.Hole) error {
	hint := "what was read is stored; --partial-ok makes this exit 0 instead of 3"
	for _, h := range holes {
		if h.Incomplete() && h.Hint != "" {
			hint = h.Hint + "\n" + hint
			break
		}
	}
	return schema.WithHint(fmt.Errorf("%w: %s", ErrHoles, CountCauses(holes)), hint)
}

// holeGroup is the holes of one cause.
type holeGroup struct {
	cause  archive.Cause
	count  int
	detail string // of the first one, with its scope
	hint   string // likewise
}

// groupHoles counts holes by cause, in the order in which the causes came.
func groupHoles(holes []archive.Hole) []holeGroup {
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

// CountCauses lists how many holes each cause made, but for lasting ones,
// which make no pass incomplete.
func CountCauses(holes []archive.Hole) string {
	holes = slices.DeleteFunc(slices.Clone(holes), func(h archive.Hole) bool { return !h.Incomplete() })
	var counts []string
	for _, g := range groupHoles(holes) {
		counts = append(counts, fmt.Sprintf("%d %s", g.count, g.cause))
	}
	return strings.Join(counts, ", ")
}

package passes

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// ErrHoles is the error of a pass that finished with holes which another pass might
// not have.
var ErrHoles = errors.New("the pass has holes")

// HolesError returns [ErrHoles] with the number of holes, and the first hint of them.
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

// holeGroup is all holes of a cause.
type holeGroup struct {
	cause  archive.Cause
	count  int
	detail string // of the first hole, with its scope
	hint   string // of the first hole
}

// groupHoles groups holes by cause, in the order of the first holes.
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

// CountCauses lists how many holes each cause has. It leaves out lasting holes, which
// do not make a pass incomplete.
func CountCauses(holes []archive.Hole) string {
	holes = slices.DeleteFunc(slices.Clone(holes), func(h archive.Hole) bool { return !h.Incomplete() })
	var counts []string
	for _, g := range groupHoles(holes) {
		counts = append(counts, fmt.Sprintf("%d %s", g.count, g.cause))
	}
	return strings.Join(counts, ", ")
}

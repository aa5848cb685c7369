package oracle

import (
	"fmt"
	"slices"
	"strings"
)

// Compare returns an error unless both have the same lines, in any order. A line
// may occur several times.
func Compare(got, want []string) error {
	extra, missing := Difference(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
	if len(extra)+len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("of %d rows %d should not be there:\n%s\n%d are missing:\n%s", len(got), len(extra), First(extra), len(missing), First(missing))
}

// Difference returns the lines that only one of two sorted lists has. A line may
// occur several times.
func Difference(a, b []string) (onlyA, onlyB []string) {
	for len(a) > 0 && len(b) > 0 {
		switch strings.Compare(a[0], b[0]) {
		case -1:
			onlyA, a = append(onlyA, a[0]), a[1:]
		case 1:
			onlyB, b = append(onlyB, b[0]), b[1:]
		default:
			a, b = a[1:], b[1:]
		}
	}
	return append(onlyA, a...), append(onlyB, b...)
}

// First joins the first ten lines, for a message.
func First(lines []string) string {
	const few = 10
	if len(lines) > few {
		lines = append(lines[:few:few], "...")
	}
	return strings.Join(lines, "\n")
}

// Lines returns the lines of a text, sorted.
func Lines(text string) []string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
	slices.Sort(lines)
	return lines
}

// Package guess finds the name that a misspelt one most likely means.
package guess

import (
	"slices"
	"strings"
)

// Nearest returns the name with the fewest edits from the misspelt one. It is empty
// if that takes too many edits for the length.
func Nearest(misspelt string, names []string) string {
	best, fewest := "", len(misspelt)/3+1
	for _, name := range names {
		if n := Edits(misspelt, name); n <= fewest && (best == "" || n < fewest) {
			best, fewest = name, n
		}
	}
	return best
}

// DidYouMean returns a hint that asks for the nearest name, or the other hint if
// no name is near.
func DidYouMean(misspelt string, names []string, other string) string {
	if near := Nearest(misspelt, names); near != "" {
		return "did you mean " + near + "?"
	}
	return other
}

// AlsoMean returns the hint, and before it [DidYouMean] if a name is near.
func AlsoMean(misspelt string, names []string, hint string) string {
	if near := DidYouMean(misspelt, names, ""); near != "" {
		return near + " " + hint
	}
	return hint
}

// Prefixed returns the words that begin with the typed letters, in either case.
// They are sorted, and each is there once.
func Prefixed(words []string, typed string) []string {
	var matching []string
	for _, word := range words {
		if len(word) >= len(typed) && strings.EqualFold(word[:len(typed)], typed) {
			matching = append(matching, word)
		}
	}
	slices.Sort(matching)
	return slices.Compact(matching)
}

// Edits returns the Levenshtein distance of two names, in bytes.
func Edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

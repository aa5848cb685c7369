package guess

import (
	"slices"
	"strings"
)

// Prefixed returns those words, each once and in order, that begin with the
// typed one, whatever its case.
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

func DidYouMean(name string, names []string) string {
	if near := Nearest(strings.ToLower(name), names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// Nearest returns the name that the misspelt one most likely means: the one
// with the fewest edits, if they are few for its length; empty if none is near.
func Nearest(misspelt string, names []string) string {
	best, fewest := "", len(misspelt)/3+1
	for _, name := range names {
		if n := Edits(misspelt, name); n <= fewest && (best == "" || n < fewest) {
			best, fewest = name, n
		}
	}
	return best
}

// Edits is the Levenshtein distance of two names, in bytes.
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

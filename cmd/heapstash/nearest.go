package main

// nearest returns the name that the misspelt one most likely means: the one
// with the fewest edits, if they are few for its length; empty if none is near.
func nearest(misspelt string, names []string) string {
	best, fewest := "", len(misspelt)/3+1
	for _, name := range names {
		if n := edits(misspelt, name); n <= fewest && (best == "" || n < fewest) {
			best, fewest = name, n
		}
	}
	return best
}

// edits is the Levenshtein distance of two names, in bytes.
func edits(a, b string) int {
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

package archive

import (
	"time"

	"heapstash/schema"
)

// LeastRetention is the shortest time for which something of a level is kept.
// By then, raw rows have moved to the cold tables, which alone are pruned, and
// Heapster has forgotten what it might show again; and a day's hours have been
// rolled up.
func LeastRetention(level Level) time.Duration {
	if level == Raw {
		return 2 * time.Hour
	}
	return 48 * time.Hour
}

// Retention is how long things are kept, by level and kind: labelled series
// have the kind of what they belong to. They are kept for ever of a kind that
// is not there or has zero; anything below [LeastRetention] is taken for
// that.
type Retention map[Level]map[schema.Kind]time.Duration

// Limited reports whether anything is not kept for ever.
func (r Retention) Limited() bool {
	for _, kinds := range r {
		for _, keep := range kinds {
			if keep > 0 {
				return true
			}
		}
	}
	return false
}

package archive

import (
	"time"

	"heapstash/schema"
)

// LeastRetention returns the shortest retention of a level. By then, raw rows are in the
// cold tables, which are the only ones pruned; Heapster cannot show the same samples
// again; and hours are rolled up to days.
func LeastRetention(level Level) time.Duration {
	if level == Raw {
		return 2 * time.Hour
	}
	return 48 * time.Hour
}

// Retention is how long samples are kept, by level and kind. A labelled series has the
// kind of its owner. A missing kind, or zero, means for ever. Shorter times are raised
// to [LeastRetention].
type Retention map[Level]map[schema.Kind]time.Duration

// Limited reports whether the retention limits any kind.
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

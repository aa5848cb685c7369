package query

import (
	"fmt"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Auto stands for the coarsest level that has the answer.
const Auto archive.Level = ""

// ParseLevel parses a level, or "auto".
func ParseLevel(word string) (archive.Level, error) {
	switch level := archive.Level(word); {
	case word == "auto":
		return Auto, nil
	case slices.Contains(archive.Levels(), level):
		return level, nil
	default:
		return "", &Error{fmt.Sprintf("unknown level %q", word), "use one of auto, " + join(archive.Levels())}
	}
}

// atLeast reports whether a level is as coarse as the other, or coarser.
func atLeast(level, other archive.Level) bool {
	return slices.Index(archive.Levels(), level) >= slices.Index(archive.Levels(), other)
}

// ceil rounds up to an hour or day of the level.
func ceil(at schema.Instant, level archive.Level) schema.Instant {
	return level.Begin(at + schema.Instant(level.Length()/time.Second) - 1)
}

// StepBegin returns when the moment's step begins. Steps are whole multiples of
// their length since 1970, in UTC; steps of whole weeks begin on Mondays.
func StepBegin(at schema.Instant, step time.Duration) schema.Instant {
	return at - (at-origin(step))%schema.Instant(step/time.Second)
}

// origin returns when the first step begins: 1970 began on a Thursday.
func origin(step time.Duration) schema.Instant {
	const day = 24 * time.Hour
	if step > 0 && step%(7*day) == 0 {
		return schema.Instant(4 * day / time.Second)
	}
	return 0
}

package query

import (
	"fmt"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Auto lets a query choose.
const Auto archive.Level = ""

// ParseLevel reads a level, or "auto".
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

// atLeast reports whether a level is as coarse as another one.
func atLeast(level, other archive.Level) bool {
	return slices.Index(archive.Levels(), level) >= slices.Index(archive.Levels(), other)
}

// ceil rounds up to the level's hour or day.
func ceil(at schema.Instant, level archive.Level) schema.Instant {
	return level.Begin(at + schema.Instant(level.Length()/time.Second) - 1)
}

// StepBegin is when the step begins that the moment is in, in UTC. Steps of whole
// weeks begin on Mondays, others at whole multiples since 1970.
func StepBegin(at schema.Instant, step time.Duration) schema.Instant {
	return at - (at-origin(step))%schema.Instant(step/time.Second)
}

// origin is when the steps of a length begin: 1970 began on a Thursday.
func origin(step time.Duration) schema.Instant {
	const day = 24 * time.Hour
	if step > 0 && step%(7*day) == 0 {
		return schema.Instant(4 * day / time.Second)
	}
	return 0
}

// Span is a range of time, From included and To not; empty where To is not
// after From.
type Span struct{ From, To schema.Instant }

// Coverage is what an archive has for a query.
type Coverage struct {
	// Things is the number of things whose series match.
	Things int
	// Levels has for each level from when on there is something of them, and
	// up to when the level is whole. A level that is not there is empty.
	Levels map[archive.Level]Span
}

// End is up to when the archive has anything.
func (c Coverage) End() schema.Instant { return c.Levels[archive.Raw].To }

// Begin is when the oldest of what there is began; zero if there is nothing.
func (c Coverage) Begin() schema.Instant {
	var begin schema.Instant
	for _, span := range c.Levels {
		if span.From != 0 && (begin == 0 || span.From < begin) {
			begin = span.From
		}
	}
	return begin
}

// Segment is a part of the range that one level answers for.
type Segment struct {
	Level archive.Level
	Span
}

// divide covers a range with rows of the level, whole ones of it, and what is
// left over, or not made yet, with finer ones.
func (c Coverage) divide(level archive.Level, from, to schema.Instant) []Segment {
	if from >= to {
		return nil
	}
	if level == archive.Raw {
		return []Segment{{archive.Raw, Span{from, to}}}
	}
	finer := archive.Levels()[slices.Index(archive.Levels(), level)-1]
	begin, end := ceil(from, level), level.Begin(min(to, c.Levels[level].To))
	if begin >= end {
		return c.divide(finer, from, to)
	}
	segments := append(c.divide(finer, from, begin), Segment{level, Span{begin, end}})
	return append(segments, c.divide(finer, end, to)...)
}

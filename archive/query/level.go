package query

import (
	"fmt"
	"slices"
	"time"

	"heapstash/schema"
)

// Level is how finely samples are stored: as Heapster gave them, or as what
// they come to in an hour or a day of UTC.
type Level string

// The levels, from the finest on.
const (
	Auto   Level = ""
	Raw    Level = "raw"
	Hourly Level = "hourly"
	Daily  Level = "daily"
)

var levels = []Level{Raw, Hourly, Daily}

// ParseLevel reads a level, or "auto".
func ParseLevel(word string) (Level, error) {
	switch level := Level(word); {
	case word == "auto":
		return Auto, nil
	case slices.Contains(levels, level):
		return level, nil
	default:
		return "", &Error{fmt.Sprintf("unknown level %q", word), "use one of auto, " + join(levels)}
	}
}

// long is the time that one row stands for; a second for raw ones.
func (l Level) long() time.Duration {
	switch l {
	case Hourly:
		return time.Hour
	case Daily:
		return 24 * time.Hour
	default:
		return time.Second
	}
}

func (l Level) atLeast(other Level) bool {
	return slices.Index(levels, l) >= slices.Index(levels, other)
}

// floor and ceil round to the level's hour or day.
func (l Level) floor(at schema.Instant) schema.Instant { return floor(at, l.long()) }

func (l Level) ceil(at schema.Instant) schema.Instant {
	return floor(at+schema.Instant(l.long()/time.Second)-1, l.long())
}

func floor(at schema.Instant, step time.Duration) schema.Instant {
	return at - at%schema.Instant(step/time.Second)
}

// of is the view of the level that belongs to a raw one.
func (l Level) of(view string) string {
	if l == Raw {
		return view
	}
	return view + "_" + string(l)
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
	Levels map[Level]Span
}

// End is up to when the archive has anything.
func (c Coverage) End() schema.Instant { return c.Levels[Raw].To }

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
	Level Level
	Span
}

// divide covers a range with rows of the level, whole ones of it, and what is
// left over, or not made yet, with finer ones.
func (c Coverage) divide(level Level, from, to schema.Instant) []Segment {
	if from >= to {
		return nil
	}
	if level == Raw {
		return []Segment{{Raw, Span{from, to}}}
	}
	finer := levels[slices.Index(levels, level)-1]
	begin, end := level.ceil(from), level.floor(min(to, c.Levels[level].To))
	if begin >= end {
		return c.divide(finer, from, to)
	}
	segments := append(c.divide(finer, from, begin), Segment{level, Span{begin, end}})
	return append(segments, c.divide(finer, end, to)...)
}

package query

import (
	"fmt"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// Span is a range of time that includes From and not To. It is empty unless To is
// after From.
type Span struct{ From, To schema.Instant }

// Coverage is what an archive has for a query.
type Coverage struct {
	// Entities is the number of entities that pass the query's filters.
	Entities int
	// Levels has a span for each level that the archive keeps. From is when the
	// entities' oldest row of the level begins, zero without one. Up to To, the level
	// is complete.
	Levels map[archive.Level]Span
	// Lake is the time whose raw rows are in the lake; empty without one. Raw rows of the
	// archive begin after it.
	Lake Span
}

// lakeNote says where raw rows of the range are; empty if none of them is in the lake.
func (c Coverage) lakeNote(from, to schema.Instant) string {
	if from >= c.Lake.To || to <= c.Lake.From {
		return ""
	}
	return fmt.Sprintf("raw rows from %v to %v are in the lake: --lake reads them", c.Lake.From, c.Lake.To)
}

// End returns the moment behind the newest sample, zero if there is none.
func (c Coverage) End() schema.Instant { return c.Levels[archive.Raw].To }

// Begin returns when the oldest row of any level begins, zero if there is none.
func (c Coverage) Begin() schema.Instant {
	var begin schema.Instant
	for _, span := range c.Levels {
		if span.From != 0 && (begin == 0 || span.From < begin) {
			begin = span.From
		}
	}
	return begin
}

// Segment is a part of the range that is read from one level.
type Segment struct {
	Level archive.Level
	Span
}

// divide covers a range with whole rows of the level, and with finer rows where
// that leaves a rest, or the level is not complete yet.
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

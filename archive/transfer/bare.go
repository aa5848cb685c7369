package transfer

import (
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Bare is a time of which an archive has hours or days, and no raw samples any more.
type Bare struct {
	Cluster string         `json:"cluster"`
	Kind    schema.Kind    `json:"kind"`
	Level   archive.Level  `json:"level"`
	From    schema.Instant `json:"from"`
	Before  schema.Instant `json:"before"` // raw samples begin then
}

// String spells the time.
func (b Bare) String() string {
	return fmt.Sprintf("%s rows of %s, %v from %s up to %s", b.Level, b.Cluster, b.Kind, b.From.Time().Format(time.DateOnly), b.Before.Time().Format(time.DateOnly))
}

// bareRollups returns the rollups that are older than raw samples.
func bareRollups(s archive.Status) []Bare {
	bare := []Bare{}
	for _, k := range s.Kinds {
		for _, of := range []struct {
			level archive.Level
			span  *archive.Range
		}{{archive.Hourly, k.Hourly}, {archive.Daily, k.Daily}} {
			if of.span == nil {
				continue
			}
			begin := of.level.Begin(k.Oldest)
			if k.Oldest == 0 {
				begin = of.span.Newest.Add(of.level.Length())
			}
			if of.span.Oldest < begin {
				bare = append(bare, Bare{k.Cluster, k.Kind, of.level, of.span.Oldest, begin})
			}
		}
	}
	return bare
}

// Package timeline knows which batches Heapster made lately and which of them no
// pass has read. It compares Heapster's clock with the local one, because either
// may have been set between two passes.
package timeline

import (
	"cmp"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Timeline is what one pass knows of Heapster's batches.
type Timeline struct {
	// Horizon is Heapster's newest batch when the pass began; zero without one.
	Horizon schema.Instant
	// Batches are those that Heapster is known to have made lately, sorted.
	Batches []schema.Instant
	// Oldest is the oldest batch of which Heapster still has every metric.
	Oldest schema.Instant
	// Step is the time from one batch to the next.
	Step time.Duration

	last    schema.Instant // the horizon of the last good pass
	passed  time.Time      // when that pass began, by the local clock
	failure string         // why the last pass failed
	now     func() time.Time
}

// New returns the timeline of a pass that has read nothing yet. Now is the local
// clock.
func New(memory archive.Memory, now func() time.Time) *Timeline {
	t := &Timeline{last: memory.Horizon, passed: memory.Passed, failure: memory.Failure, now: now}
	if t.passed.IsZero() {
		t.passed = t.last.Time()
	}
	return t
}

// Observe notes the times of the cluster's samples: of the two metrics that
// Heapster keeps for long, and of the other ones.
func (t *Timeline) Observe(long, short []schema.Instant) {
	long, short = distinct(long), distinct(short)
	t.Batches = distinct(slices.Concat(long, short))
	t.Step = resolution(long, short)
	if len(short) > 0 {
		t.Oldest = short[0]
	}
}

// distinct sorts times and drops repetitions.
func distinct(times []schema.Instant) []schema.Instant {
	slices.Sort(times)
	return slices.Compact(times)
}

// resolution is the shortest time between two batches. If only one batch is known, it
// is a minute, Heapster's default.
func resolution(batches ...[]schema.Instant) time.Duration {
	least := time.Duration(0)
	for _, times := range batches {
		for i := 1; i < len(times); i++ {
			d := times[i].Sub(times[i-1])
			if d <= schema.LongRetention && (least == 0 || d < least) { // otherwise the clock was set between the two
				least = d
			}
		}
	}
	return cmp.Or(least, time.Minute)
}

// Seen is Heapster's time at which its lists were read, or the local time if
// Heapster has no batch.
func (t *Timeline) Seen() schema.Instant {
	if t.Horizon > 0 {
		return t.Horizon
	}
	return schema.InstantOf(t.now())
}

// Earlier is the earlier one of Heapster's clock and the local one: no clock that
// is ahead makes young samples old.
func (t *Timeline) Earlier() schema.Instant {
	return min(t.Horizon, schema.InstantOf(t.now()))
}

// IsAttentive reports whether no batch came and went between the last pass and
// this one. If one did, an entity that ended before may have been in it again.
func (t *Timeline) IsAttentive() bool {
	missed := 0
	for _, at := range t.Batches {
		if at > t.last {
			missed++
		}
	}
	return missed <= 1 && t.Oldest <= t.last.Add(t.Step)
}

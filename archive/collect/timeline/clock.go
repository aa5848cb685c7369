package timeline

import (
	"time"

	"heapstash/schema"
)

// farAhead separates a clock that was set from one that drifts: Heapster's clock
// is that much ahead of the local one, and was not before.
const farAhead = 10 * time.Minute

// IsFuture reports whether the time is far ahead of the local clock.
func (t *Timeline) IsFuture(at schema.Instant) bool { return at.Time().Sub(t.now()) > farAhead }

// IsBeyond reports whether the time is far ahead of Heapster's newest batch.
func (t *Timeline) IsBeyond(at schema.Instant) bool { return at.Sub(t.Horizon) > farAhead }

// Leapt reports whether Heapster's clock was set ahead since the last pass. Then
// the time between the two newest batches did not pass.
func (t *Timeline) Leapt() bool {
	if t.last == 0 || !t.IsFuture(t.Horizon) {
		return false
	}
	before := t.last.Time().Sub(t.passed)
	return t.Horizon.Time().Sub(t.now())-max(before, 0) > farAhead
}

// IsSetBack reports whether Heapster's newest batch is older than the last pass's.
func (t *Timeline) IsSetBack() bool { return t.Horizon < t.last }

// lostByLocalClock is how much time Heapster has dropped since a batch that was
// read whole, if Heapster's clock was set since then. The duration of a pass and
// a step of the clock look the same.
func (t *Timeline) lostByLocalClock(since schema.Instant) time.Duration {
	pause := t.now().Sub(t.passed) + t.last.Sub(since)
	visible := t.Horizon.Sub(t.Oldest) + t.Step
	if lost := (pause - visible).Truncate(t.Step); lost > t.Step {
		return lost
	}
	return 0
}

package schema

import (
	"fmt"
	"math"
	"time"
)

// Instant is a moment on Heapster's clock in whole Unix seconds, UTC. The zero
// Instant means none; Heapster's own zero, 0001-01-01, becomes it.
//
// Seconds are exact: Heapster's resolution is a whole number of seconds, and it
// stamps a batch with the start of its interval.
type Instant int64

// InstantOf returns t in whole seconds, rounded down. It returns none for every
// moment up to 1970, the zero time included.
func InstantOf(t time.Time) Instant {
	return max(Instant(t.Unix()), 0)
}

// Time returns the moment in UTC, and the zero time for none.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(int64(i), 0).UTC()
}

// Add returns the moment d later, in whole seconds.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d/time.Second) }

// Sub returns the time from j to i, limited to the 292 years of a
// [time.Duration].
func (i Instant) Sub(j Instant) time.Duration {
	const most = Instant(math.MaxInt64 / time.Second)
	return time.Duration(max(-most, min(i-j, most))) * time.Second
}

// String spells the moment in RFC 3339, UTC, and none as "never".
func (i Instant) String() string {
	if i == 0 {
		return "never"
	}
	return i.Time().Format(time.RFC3339)
}

// MarshalJSON writes RFC 3339 in UTC, and null for none.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i == 0 {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%q", i.String()), nil
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (i *Instant) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*i = 0
		return nil
	}
	var t time.Time
	if err := t.UnmarshalJSON(text); err != nil {
		return err
	}
	*i = InstantOf(t)
	return nil
}

// Window is a range of time, closed at both ends. A zero From or To leaves
// that end open.
type Window struct {
	From Instant `json:"from"`
	To   Instant `json:"to"`
}

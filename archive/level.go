package archive

import (
	"time"

	"heapstash/schema"
)

// Level is the resolution of samples: raw, as Heapster showed them, or rolled up by the
// hour or day of UTC.
type Level string

// The levels, the finest first.
const (
	Raw    Level = "raw"
	Hourly Level = "hourly"
	Daily  Level = "daily"
)

// Levels returns every level, the finest first.
func Levels() []Level { return []Level{Raw, Hourly, Daily} }

// Length returns the length of a row's period: a second, an hour or a day.
func (l Level) Length() time.Duration {
	switch l {
	case Hourly:
		return time.Hour
	case Daily:
		return 24 * time.Hour
	default:
		return time.Second
	}
}

// Begin returns the begin of the period that contains the time.
func (l Level) Begin(at schema.Instant) schema.Instant {
	return at - at%schema.Instant(l.Length()/time.Second)
}

// View returns the name of the level's view for a raw view: pod_hourly for pod.
func (l Level) View(raw string) string {
	if l == Raw {
		return raw
	}
	return raw + "_" + string(l)
}

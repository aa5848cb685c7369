package archive

import (
	"time"

	"heapstash/schema"
)

// Level is how finely samples are stored: as Heapster gave them, or as what
// they come to in an hour or a day of UTC.
type Level string

// The levels, from the finest on.
const (
	Raw    Level = "raw"
	Hourly Level = "hourly"
	Daily  Level = "daily"
)

// Levels returns every level, the finest first.
func Levels() []Level { return []Level{Raw, Hourly, Daily} }

// Length is the time that one row stands for; a second for raw ones.
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

// Begin is when the hour or day of the moment began.
func (l Level) Begin(at schema.Instant) schema.Instant {
	return at - at%schema.Instant(l.Length()/time.Second)
}

// View names the view of the level that belongs to a raw one: pod, pod_hourly.
func (l Level) View(raw string) string {
	if l == Raw {
		return raw
	}
	return raw + "_" + string(l)
}

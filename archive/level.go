package archive

import "heapstash/schema"

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

// period is what a row of a rollup stands for, and the end of its table's name.
func (l Level) period() string {
	if l == Daily {
		return "day"
	}
	return "hour"
}

// seconds is the length of time that a row of a rollup stands for.
func (l Level) seconds() schema.Instant {
	if l == Daily {
		return 24 * 3600
	}
	return 3600
}

// begin is when the hour or day of the moment began.
func (l Level) begin(at schema.Instant) schema.Instant { return at - at%l.seconds() }

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

// period is what a row of a rollup stands for, and the end of its table's name.
func (l Level) period() string {
	if l == Daily {
		return "day"
	}
	return "hour"
}

// table is where the closed rows of a pair of tables are at the level.
func (l Level) table(name string) string {
	if l == Raw {
		return name + "_" + string(cold)
	}
	return name + "_" + l.period()
}

// Of names what is kept of a kind at the level, as its view is named: pod,
// pod_hourly.
func (l Level) Of(kind schema.Kind) string {
	if l == Raw {
		return kind.String()
	}
	return kind.String() + "_" + string(l)
}

// LeastRetention is the shortest time for which something is kept. By then, raw
// rows have moved to the cold tables, which alone are pruned, and Heapster has
// forgotten what it might show again; and a day's hours have been rolled up.
func (l Level) LeastRetention() time.Duration {
	if l == Raw {
		return 2 * time.Hour
	}
	return 48 * time.Hour
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

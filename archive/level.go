package archive

import (
	"time"

	"heapstash/schema"
)

// periodOf is what a row of a rollup stands for, and the end of its table's
// name.
func periodOf(level schema.Level) string {
	if level == schema.Daily {
		return "day"
	}
	return "hour"
}

// secondsOf is the length of time that a row of a rollup stands for.
func secondsOf(level schema.Level) schema.Instant {
	return schema.Instant(level.Length() / time.Second)
}

// closedRows is where the closed rows of a pair of tables are at a level.
func closedRows(table string, level schema.Level) string {
	if level == schema.Raw {
		return table + "_" + string(cold)
	}
	return table + "_" + periodOf(level)
}

// LeastRetention is the shortest time for which something of a level is kept.
// By then, raw rows have moved to the cold tables, which alone are pruned, and
// Heapster has forgotten what it might show again; and a day's hours have been
// rolled up.
func LeastRetention(level schema.Level) time.Duration {
	if level == schema.Raw {
		return 2 * time.Hour
	}
	return 48 * time.Hour
}

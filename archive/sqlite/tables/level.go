package tables

import (
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// PeriodOf returns hour or day: a rollup's table is named <table>_<period>.
func PeriodOf(level archive.Level) string {
	if level == archive.Daily {
		return "day"
	}
	return "hour"
}

// SecondsOf returns the length of a level's period, in seconds.
func SecondsOf(level archive.Level) schema.Instant {
	return schema.Instant(level.Length() / time.Second)
}

// ClosedRows names the table that has a level's closed rows: cold, hour or day.
func ClosedRows(table string, level archive.Level) string {
	if level == archive.Raw {
		return table + "_" + string(Cold)
	}
	return table + "_" + PeriodOf(level)
}

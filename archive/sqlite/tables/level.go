package tables

import (
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// PeriodOf is what a row of a rollup stands for, and the end of its table's
// name.
func PeriodOf(level archive.Level) string {
	if level == archive.Daily {
		return "day"
	}
	return "hour"
}

// SecondsOf is the length of time that a row of a rollup stands for.
func SecondsOf(level archive.Level) schema.Instant {
	return schema.Instant(level.Length() / time.Second)
}

// ClosedRows is where the closed rows of a pair of tables are at a level.
func ClosedRows(table string, level archive.Level) string {
	if level == archive.Raw {
		return table + "_" + string(Cold)
	}
	return table + "_" + PeriodOf(level)
}

package check

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
)

// notDue is the condition that the next passes will not make a rollup: of the entity
// s.entity_id in TABLE, for the hour or day that begins at HOUR.
const notDue = `NOT EXISTS (SELECT 1 FROM rollup_due d WHERE d.level = 'LEVEL' AND d.ts = HOUR AND d.table_name = 'TABLE' AND d.entity_id = s.entity_id)`

// fill replaces the words in capitals in a condition.
func fill(r *tables.Rollup, condition string, level archive.Level, hour string) string {
	series := make([]string, len(r.Keys))
	for i, key := range r.Keys {
		series[i] = "x." + key + " = s." + key
	}
	return strings.NewReplacer("LEVEL", string(level), "HOUR", hour, "TABLE", r.Table,
		"SERIES", strings.Join(series, " AND "), "SECONDS", fmt.Sprint(int64(tables.SecondsOf(level)))).Replace(condition)
}

// missing is the invariant that each row of the level below has a rollup, or one is due.
func missing(r *tables.Rollup, level archive.Level) rowCheck {
	const none = "NOT EXISTS (SELECT 1 FROM ROLLUP x WHERE SERIES AND x.ts = HOUR) AND " + notDue
	condition := strings.ReplaceAll(none, "ROLLUP", r.In(level))
	return rowCheck{"rollup-missing", fmt.Sprintf("rows have no %s rollup, and none is due: pruning would lose them", level),
		fill(r, condition, level, fmt.Sprintf("s.ts - s.ts %% %d", tables.SecondsOf(level)))}
}

// RollupScan returns the invariants of a rollup's rows. Repair drops the rows that
// violate one of the first dropped invariants.
func RollupScan(r *tables.Rollup, level archive.Level) (scan tableScan, dropped int) {
	table := r.In(level)
	var texts []string
	for _, c := range r.Columns {
		for _, name := range c.Stored(level) {
			texts = append(texts, "s."+name+" >= ''") // text and blobs sort after numbers
		}
	}
	if !r.IsNarrow() {
		texts = append(texts, "s.counts IS NOT NULL AND NOT json_valid(s.counts)")
	}
	checks := []rowCheck{
		{"orphan-rows", "rows are of an entity that is not there: no view shows them", "e.id IS NULL"},
		{"wrong-table", "rows are of an entity whose samples belong to another table: the view does not show them", "NOT (" + r.Owners + ")"},
		{"absurd-times", fmt.Sprintf("a time is not the beginning of a UTC %s between the years 1970 and 9999", tables.PeriodOf(level)),
			fill(r, "typeof(s.ts) <> 'integer' OR s.ts NOT BETWEEN 0 AND "+LastSecondText+" OR s.ts % SECONDS <> 0", level, "")},
		{"value-types", "values are neither integers nor floats, or their number is not known",
			"typeof(s.samples) <> 'integer' OR s.samples < 1 OR " + strings.Join(texts, " OR ")},
	}
	if r.IsNarrow() {
		checks = append(checks, rowCheck{"orphan-metrics", "rows are of a metric that is not there: no view shows them",
			"NOT EXISTS (SELECT 1 FROM metric m WHERE m.id = s.metric_id)"})
	}
	dropped = len(checks)
	behind := rowCheck{"rollup-behind", "rows stand for fewer rows than exist, and are not due to be made anew", ""}
	switch level {
	case archive.Hourly:
		behind.Violation = fill(r, "s.samples < (SELECT count(*) FROM TABLE_cold x WHERE SERIES AND x.ts BETWEEN s.ts AND s.ts + SECONDS - 1) AND "+notDue, level, "s.ts")
		checks = append(checks, behind, missing(r, archive.Daily))
	case archive.Daily:
		behind.Violation = fill(r, "s.samples < (SELECT sum(x.samples) FROM TABLE_hour x WHERE SERIES AND x.ts BETWEEN s.ts AND s.ts + SECONDS - 1) AND "+notDue, level, "s.ts")
		checks = append(checks, behind)
	}
	return tableScan{Table: table, From: fromTable(table), Checks: checks, rollup: true}, dropped
}

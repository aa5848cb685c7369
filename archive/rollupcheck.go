package archive

import (
	"fmt"
	"heapstash/schema"
	"strings"
)

// notDue is the condition under which a rollup is not going to be made by the
// next passes: the hour or day HOUR of the entity s.entity_id in TABLE.
const notDue = `NOT EXISTS (SELECT 1 FROM rollup_due d WHERE d.level = 'LEVEL' AND d.ts = HOUR AND d.table_name = 'TABLE' AND d.entity_id = s.entity_id)
	AND s.entity_id <= ifnull((SELECT CAST(value AS INTEGER) FROM setting WHERE name = '` + backfillSetting + `'), s.entity_id)`

// fill puts a table's and a level's names into a condition.
func (r *rollup) fill(condition string, level schema.Level, hour string) string {
	series := make([]string, len(r.keys))
	for i, key := range r.keys {
		series[i] = "x." + key + " = s." + key
	}
	return strings.NewReplacer("LEVEL", string(level), "HOUR", hour, "TABLE", r.table,
		"SERIES", strings.Join(series, " AND "), "SECONDS", fmt.Sprint(int64(secondsOf(level)))).Replace(condition)
}

// missing is the invariant of the rows that the rollup is made of: each stands
// in one.
func (r *rollup) missing(level schema.Level) rowCheck {
	const none = "NOT EXISTS (SELECT 1 FROM ROLLUP x WHERE SERIES AND x.ts = HOUR) AND " + notDue
	condition := strings.ReplaceAll(none, "ROLLUP", r.in(level))
	return rowCheck{"rollup-missing", fmt.Sprintf("rows have no %s rollup, and none is due: once they are pruned, nothing tells of them", level),
		r.fill(condition, level, fmt.Sprintf("s.ts - s.ts %% %d", secondsOf(level)))}
}

// checks are the invariants of the rows of a rollup, with those that a repair
// drops first.
func (r *rollup) checks(level schema.Level) (scan tableScan, dropped int) {
	table := r.in(level)
	var texts []string
	for _, c := range r.columns {
		for _, name := range c.stored(level) {
			texts = append(texts, "s."+name+" >= ''") // text and blobs sort behind numbers
		}
	}
	if !r.isNarrow() {
		texts = append(texts, "s.counts IS NOT NULL AND NOT json_valid(s.counts)")
	}
	checks := []rowCheck{
		{"orphan-rows", "rows are of an entity that is not there: no view shows them", "e.id IS NULL"},
		{"wrong-table", "rows are of an entity whose samples belong to another table: the view does not show them", "NOT (" + r.whose + ")"},
		{"absurd-times", fmt.Sprintf("a time is not the beginning of a UTC %s between the years 1970 and 9999", periodOf(level)),
			r.fill("typeof(s.ts) <> 'integer' OR s.ts NOT BETWEEN 0 AND "+lastSecondText+" OR s.ts % SECONDS <> 0", level, "")},
		{"value-types", "values are neither integers nor floats, or it is not known how many there are",
			"typeof(s.samples) <> 'integer' OR s.samples < 1 OR " + strings.Join(texts, " OR ")},
	}
	if r.isNarrow() {
		checks = append(checks, rowCheck{"orphan-metrics", "rows are of a metric that is not there: no view shows them",
			"NOT EXISTS (SELECT 1 FROM metric m WHERE m.id = s.metric_id)"})
	}
	dropped = len(checks)
	behind := rowCheck{"rollup-behind", "rows stand for fewer than there are, and are not due to be made anew", ""}
	switch level {
	case schema.Hourly:
		behind.torn = r.fill("s.samples < (SELECT count(*) FROM TABLE_cold x WHERE SERIES AND x.ts BETWEEN s.ts AND s.ts + SECONDS - 1) AND "+notDue, level, "s.ts")
		checks = append(checks, behind, r.missing(schema.Daily))
	case schema.Daily:
		behind.torn = r.fill("s.samples < (SELECT sum(x.samples) FROM TABLE_hour x WHERE SERIES AND x.ts BETWEEN s.ts AND s.ts + SECONDS - 1) AND "+notDue, level, "s.ts")
		checks = append(checks, behind)
	}
	return tableScan{table: table, from: fromTable(table), checks: checks, rollup: true}, dropped
}

// mendings drop what is wrong in a rollup. What it is made of makes it anew.
func (r *rollup) mendings(level schema.Level) (all []mending) {
	scan, dropped := r.checks(level)
	key := strings.Join(append(r.keys[:len(r.keys):len(r.keys)], "ts"), ", s.")
	for _, c := range scan.checks[:dropped] {
		all = append(all, mending{scan.table, "rollups of no entity, or without a time or numbers, were dropped",
			fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT s.%s%s WHERE %s)", scan.table, strings.ReplaceAll(key, "s.", ""), key, scan.from, c.torn)})
	}
	return all
}

// rollAllAgain lets the next passes make every rollup anew of whose rows there
// are no fewer than it stands for.
var rollAllAgain = mending{"setting", "rollups are made anew by the next passes",
	`INSERT OR REPLACE INTO setting (name, value) VALUES ('` + backfillSetting + `', '0')`}

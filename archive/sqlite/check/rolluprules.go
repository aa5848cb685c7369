package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
)

// rolled are the levels of rollups.
var rolled = []archive.Level{archive.Hourly, archive.Daily}

// notDue is the condition that the next passes will not make a rollup: of the entity
// s.entity_id in TABLE, for the hour or day that begins at HOUR.
const notDue = `NOT EXISTS (SELECT 1 FROM rollup_due d WHERE d.level = 'LEVEL' AND d.ts = HOUR AND d.table_name = 'TABLE' AND d.entity_id = s.entity_id)`

// fill replaces the words in capitals in a condition.
func fill(r *tables.Rollup, condition string, level archive.Level, hour string) string {
	series := make([]string, len(r.Keys))
	for i, key := range r.Keys {
		series[i] = "x." + key + " = s." + key
	}
	return tables.Fill(condition, "LEVEL", string(level), "HOUR", hour, "TABLE", r.Table, "ROLLUP", r.In(level),
		"SERIES", strings.Join(series, " AND "), "SECONDS", fmt.Sprint(int64(tables.SecondsOf(level))))
}

// missing is the rule that each row of the level below has a rollup, or one is due.
func missing(r *tables.Rollup, level archive.Level) rowCheck {
	const none = "NOT EXISTS (SELECT 1 FROM ROLLUP x WHERE SERIES AND x.ts = HOUR) AND " + notDue
	return rowCheck{RowRule{name: "rollup-missing", meaning: fmt.Sprintf("rows have no %s rollup, and none is due: pruning would lose them", level)},
		fill(r, none, level, fmt.Sprintf("s.ts - s.ts %% %d", tables.SecondsOf(level)))}
}

// rowsOfRollup returns the rules of each row of a rollup by itself. A repair drops a row
// that violates one, and the next passes make it again.
func rowsOfRollup(r *tables.Rollup, level archive.Level) []rowCheck {
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
		{OrphanRows, "e.id IS NULL"},
		{WrongTable, "NOT (" + r.Owners + ")"},
		{RowRule{name: "absurd-times", meaning: fmt.Sprintf("a time is not the beginning of a UTC %s between the years 1970 and 9999", tables.PeriodOf(level))},
			fill(r, absurd("s.ts")+" OR s.ts % SECONDS <> 0", level, "")},
		{RowRule{name: "value-types", meaning: "values are neither integers nor floats, or their number is not known"},
			"typeof(s.samples) <> 'integer' OR s.samples < 1 OR " + strings.Join(texts, " OR ")},
	}
	if r.IsNarrow() {
		checks = append(checks, rowCheck{OrphanMetrics, noMetric})
	}
	return checks
}

// rollupScan returns the scan of a rollup. A repair makes all rollups due, which makes
// the rules about the rows below true.
func rollupScan(r *tables.Rollup, level archive.Level) tableScan {
	below := "(SELECT count(*) FROM TABLE_cold x"
	if level == archive.Daily {
		below = "(SELECT sum(x.samples) FROM TABLE_hour x"
	}
	checks := append(rowsOfRollup(r, level), rowCheck{
		RowRule{name: "rollup-behind", meaning: "rows stand for fewer rows than exist, and are not due to be made anew"},
		fill(r, "s.samples < "+below+" WHERE SERIES AND x.ts BETWEEN s.ts AND s.ts + SECONDS - 1) AND "+notDue, level, "s.ts")})
	if level == archive.Hourly {
		checks = append(checks, missing(r, archive.Daily))
	}
	return newScan(r.In(level), "", checks)
}

// rollupCorrections drop wrong rows of rollups, and make all rollups due. A pass leaves
// a rollup unchanged that stands for more rows than exist.
func rollupCorrections(l tables.Layout) (all []Correction) {
	rollups := l.Rollups()
	for _, name := range slices.Sorted(maps.Keys(rollups)) {
		r := rollups[name]
		key := strings.Join(r.Keys, ", ") + ", ts"
		for _, level := range rolled {
			scan := newScan(r.In(level), "", rowsOfRollup(r, level))
			for _, c := range scan.checks {
				all = append(all, Correction{scan.table, "rollups without an entity, a time or numbers were dropped",
					fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT s.%s%s WHERE %s)", scan.table, key, strings.ReplaceAll(key, ", ", ", s."), scan.from, c.violation)})
			}
		}
		all = append(all, Correction{"rollup_due", "the next passes roll up all hours and days again", r.MarkAll})
	}
	return all
}

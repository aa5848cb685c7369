package repair

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/tables"
)

// rollupCorrections drop the wrong rows of a rollup. It is made again of the rows
// below it.
func rollupCorrections(r *tables.Rollup, level archive.Level) (all []correction) {
	scan, dropped := check.RollupScan(r, level)
	key := strings.Join(append(r.Keys[:len(r.Keys):len(r.Keys)], "ts"), ", s.")
	for _, c := range scan.Checks[:dropped] {
		all = append(all, correction{scan.Table, "rollups without an entity, a time or numbers were dropped",
			fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT s.%s%s WHERE %s)", scan.Table, strings.ReplaceAll(key, "s.", ""), key, scan.From, c.Violation)})
	}
	return all
}

// rollAgain makes all rollups of a table due. A pass leaves one unchanged that
// stands for more rows than exist.
func rollAgain(r *tables.Rollup) correction {
	return correction{"rollup_due", "the next passes roll up all hours and days again", r.MarkAll}
}

package repair

import (
	"fmt"
	"strings"

	"heapstash/archive"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/tables"
)

// rollupMendings drop what is wrong in a rollup. What it is made of makes it anew.
func rollupMendings(r *tables.Rollup, level archive.Level) (all []mending) {
	scan, dropped := check.Checks(r, level)
	key := strings.Join(append(r.Keys[:len(r.Keys):len(r.Keys)], "ts"), ", s.")
	for _, c := range scan.Checks[:dropped] {
		all = append(all, mending{scan.Table, "rollups of no entity, or without a time or numbers, were dropped",
			fmt.Sprintf("DELETE FROM %s WHERE (%s) IN (SELECT s.%s%s WHERE %s)", scan.Table, strings.ReplaceAll(key, "s.", ""), key, scan.From, c.Torn)})
	}
	return all
}

// rollAgain lets the next passes make the rollups of a table anew, except those
// that stand for more rows than there are.
func rollAgain(r *tables.Rollup) mending {
	return mending{"rollup_due", "the next passes roll up all hours and days again", r.Enlist}
}

package repair

import (
	"fmt"
	"strconv"
	"strings"

	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
)

func (r *repairer) correct(c check.Correction) error {
	result, err := r.tx.ExecContext(r.ctx, c.SQL)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	r.corrected(c.Table, c.What, n)
	return err
}

// correctTables corrects the tables for which is returns true.
func (r *repairer) correctTables(is func(table string) bool) error {
	for _, c := range check.Corrections(r.layout) {
		if is(c.Table) {
			if err := r.correct(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// correctAll corrects everything except entities and samples, after all is copied.
func (r *repairer) correctAll() error {
	if err := r.correctTables(func(table string) bool { return table != "entity" }); err != nil {
		return err
	}
	for _, t := range r.report.Tables {
		if holdsSamples(t.Table) && t.Pages+t.Damaged > 0 {
			return r.correct(rereadAll)
		}
	}
	return nil
}

// holdsSamples reports whether samples are lost if rows of the table are.
func holdsSamples(table string) bool {
	return table == "entity" || table == "metric" || strings.HasSuffix(table, "_hot") || strings.HasSuffix(table, "_cold")
}

// rereadAll lets the next pass read everything that Heapster still shows.
var rereadAll = check.Correction{Table: "watermark", SQL: `DELETE FROM watermark`,
	What: "watermarks were dropped because samples are lost: the next pass reads again what Heapster still shows"}

// settleAccount records the samples that are lost, so that a check does not miss
// them again.
func (r *repairer) settleAccount() error {
	a, err := conn.ReadAccount(r.ctx, r.tx)
	if err != nil {
		return err
	}
	var held int64
	for _, rollup := range r.layout.Rollups() {
		for _, tier := range []tables.Tier{tables.Hot, tables.Cold} {
			var n int64
			query := fmt.Sprintf("SELECT ifnull(sum(%s), 0) FROM %s_%s s", rollup.SamplesIn(), rollup.Table, tier)
			if err := r.tx.QueryRowContext(r.ctx, query).Scan(&n); err != nil {
				return err
			}
			held += n
		}
	}
	lost := a.Lost(held)
	if lost == 0 {
		return nil
	}
	r.corrected("pass", "samples that passes had stored are lost", lost)
	_, err = r.tx.ExecContext(r.ctx, conn.UpsertSetting, conn.DeletedSetting, strconv.FormatInt(a.Deleted+lost, 10))
	return err
}

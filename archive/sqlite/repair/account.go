package repair

import (
	"fmt"
	"strconv"

	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
)

// settleAccount records the samples that are lost, so that a check does not miss
// them again.
func (r *repairer) settleAccount() error {
	a, err := conn.ReadAccount(r.ctx, r.tx)
	if err != nil {
		return err
	}
	var held int64
	for _, t := range r.layout.Tables {
		for _, tier := range []tables.Tier{tables.Hot, tables.Cold} {
			if err := r.countSamples(&held, "ifnull(sum("+check.ValuesIn(t)+"), 0)", t.Name, tier); err != nil {
				return err
			}
		}
	}
	for _, tier := range []tables.Tier{tables.Hot, tables.Cold} {
		if err := r.countSamples(&held, "count(*)", tables.NarrowName, tier); err != nil {
			return err
		}
	}
	lost := a.Lost(held)
	if lost == 0 {
		return nil
	}
	r.corrected("pass", "samples that passes had stored are lost", lost)
	_, err = r.tx.ExecContext(r.ctx, conn.UpsertSetting, conn.GoneSetting, strconv.FormatInt(a.Gone+lost, 10))
	return err
}

func (r *repairer) countSamples(sum *int64, count, table string, tier tables.Tier) error {
	var n int64
	err := r.tx.QueryRowContext(r.ctx, fmt.Sprintf("SELECT %s FROM %s_%s s", count, table, tier)).Scan(&n)
	*sum += n
	return err
}

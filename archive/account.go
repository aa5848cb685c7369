package archive

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// The ledger's account: each transaction that stores samples adds to its pass's
// counts, so that what the passes of the ledger stored, less what went again,
// is there.

const (
	addStored = `UPDATE pass SET samples_new = ifnull(samples_new, 0) + ?, samples_duplicate = ifnull(samples_duplicate, 0) + ?,
		conflicts = ifnull(conflicts, 0) + ? WHERE id = ?`

	// goneSetting holds how many of the samples that the ledger's passes stored
	// are not there any more, because they were pruned, or lost before a repair.
	// It may be negative: passes are pruned whose samples are still there.
	goneSetting = "gone"
	// beginGone leaves alone an archive that was pruned before there was an
	// account: of that, nobody knows.
	beginGone = `INSERT INTO setting (name, value) SELECT '` + goneSetting + `', '0'
		WHERE NOT EXISTS (SELECT 1 FROM setting WHERE name IN ('` + goneSetting + `', '` + progressSetting + `'))`
	addGone = `UPDATE setting SET value = CAST(value AS INTEGER) + ? WHERE name = '` + goneSetting + `'`

	selectStored = `SELECT ifnull(sum(samples_new), 0) FROM pass`
)

// valuesIn is the SQL of how many samples the row s of a wide table has.
func (t *table) valuesIn() string {
	set := make([]string, len(t.metrics))
	for i, m := range t.metrics {
		set[i] = "(s." + m.Column() + " IS NOT NULL)"
	}
	return strings.Join(set, " + ")
}

// account is what an archive should hold.
type account struct {
	stored, gone int64
	// open is set where it is not known what went.
	open bool
}

func readAccount(ctx context.Context, db queryer) (a account, err error) {
	if err := db.QueryRowContext(ctx, selectStored).Scan(&a.stored); err != nil {
		return a, err
	}
	gone, err := setting(ctx, db, goneSetting)
	if err != nil {
		return a, err
	}
	pruned, err := setting(ctx, db, progressSetting)
	if err != nil {
		return a, err
	}
	if a.gone, err = strconv.ParseInt(gone, 10, 64); err != nil {
		a.open = gone != "" || pruned != ""
	}
	return a, nil
}

// lost is how many samples are missing of those that should be there. There
// may be more of them: passes that died before each transaction kept the
// account told of none.
func (a account) lost(held int64) int64 {
	if a.open {
		return 0
	}
	return max(a.stored-a.gone-held, 0)
}

// balance compares the account with what the scans counted, if they saw all.
func (c *checker) balance() error {
	if c.unscanned {
		return nil
	}
	a, err := readAccount(c.ctx, c.tx)
	if err != nil {
		return err
	}
	c.find(Finding{Name: "samples-lost", Count: a.lost(c.samples),
		Meaning:  "passes stored more samples than are there: some are gone, and not by pruning",
		Examples: []string{fmt.Sprintf("%d stored, of which %d went; %d are there", a.stored, a.gone, c.samples)}})
	return nil
}

// settleAccount takes what a repair could not save for gone.
func (r *repairer) settleAccount() error {
	a, err := readAccount(r.ctx, r.tx)
	if err != nil {
		return err
	}
	var held int64
	for _, t := range r.layout.tables {
		for _, tier := range []tier{hot, cold} {
			if err := r.countSamples(&held, "ifnull(sum("+t.valuesIn()+"), 0)", t.name, tier); err != nil {
				return err
			}
		}
	}
	for _, tier := range []tier{hot, cold} {
		if err := r.countSamples(&held, "count(*)", narrowName, tier); err != nil {
			return err
		}
	}
	lost := a.lost(held)
	if lost == 0 {
		return nil
	}
	r.mended("pass", "samples that passes had stored are lost", lost)
	_, err = r.tx.ExecContext(r.ctx, upsertSetting, goneSetting, strconv.FormatInt(a.gone+lost, 10))
	return err
}

func (r *repairer) countSamples(sum *int64, count, table string, tier tier) error {
	var n int64
	err := r.tx.QueryRowContext(r.ctx, fmt.Sprintf("SELECT %s FROM %s_%s s", count, table, tier)).Scan(&n)
	*sum += n
	return err
}

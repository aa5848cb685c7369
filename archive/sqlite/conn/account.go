package conn

import (
	"context"
	"strconv"
)

// The ledger's account: each transaction that stores samples adds to its pass's
// counts, so that what the passes of the ledger stored, less what went again,
// is there.

const (
	AddStored = `UPDATE pass SET samples_new = ifnull(samples_new, 0) + ?, samples_duplicate = ifnull(samples_duplicate, 0) + ?,
		conflicts = ifnull(conflicts, 0) + ? WHERE id = ?`

	// GoneSetting holds how many of the samples that the ledger's passes stored
	// are not there any more, because they were pruned, or lost before a repair.
	// It may be negative: passes are pruned whose samples are still there.
	GoneSetting = "gone"
	// BeginGone leaves alone an archive that was pruned before there was an
	// account: of that, nobody knows.
	BeginGone = `INSERT INTO setting (name, value) SELECT '` + GoneSetting + `', '0'
		WHERE NOT EXISTS (SELECT 1 FROM setting WHERE name IN ('` + GoneSetting + `', '` + ProgressSetting + `'))`
	AddGone = `UPDATE setting SET value = CAST(value AS INTEGER) + ? WHERE name = '` + GoneSetting + `'`

	selectStored = `SELECT ifnull(sum(samples_new), 0) FROM pass`
)

// account is what an archive should hold.
type account struct {
	Stored, Gone int64
	// Open is set where it is not known what went.
	Open bool
}

func ReadAccount(ctx context.Context, db Queryer) (a account, err error) {
	if err := db.QueryRowContext(ctx, selectStored).Scan(&a.Stored); err != nil {
		return a, err
	}
	gone, err := Setting(ctx, db, GoneSetting)
	if err != nil {
		return a, err
	}
	pruned, err := Setting(ctx, db, ProgressSetting)
	if err != nil {
		return a, err
	}
	if a.Gone, err = strconv.ParseInt(gone, 10, 64); err != nil {
		a.Open = gone != "" || pruned != ""
	}
	return a, nil
}

// Lost is how many samples are missing of those that should be there. There
// may be more of them: passes that died before each transaction kept the
// account told of none.
func (a account) Lost(held int64) int64 {
	if a.Open {
		return 0
	}
	return max(a.Stored-a.Gone-held, 0)
}

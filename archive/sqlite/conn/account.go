package conn

import (
	"context"
	"strconv"
)

// The account of samples: each transaction adds the samples that it stores to the
// counts of its pass. So the archive holds as many samples as the passes of the
// ledger stored, minus those that were deleted.

const (
	AddStored = `UPDATE pass SET samples_new = ifnull(samples_new, 0) + ?, samples_duplicate = ifnull(samples_duplicate, 0) + ?,
		conflicts = ifnull(conflicts, 0) + ? WHERE id = ?`

	// InsertMetConflict records a conflict that no pass met: of the entity ?1, the metric ?2
	// by name, the time ?3 and the values ?4, which was kept, and ?5. It is one of the last
	// pass of the cluster, or of any.
	InsertMetConflict = `INSERT OR IGNORE INTO conflict (entity_id, metric_id, ts, kept, refused, pass_id)
		SELECT ?1, m.id, ?3, ?4, ?5, ifnull((SELECT max(p.id) FROM pass p JOIN entity e ON e.cluster = p.cluster WHERE e.id = ?1),
			ifnull((SELECT max(id) FROM pass), 1)) FROM metric m WHERE m.name = ?2`

	// DeletedSetting holds how many of the samples that the ledger's passes stored
	// were pruned, or lost before a repair. It may be negative, because a pass may
	// be pruned before its samples.
	DeletedSetting = "gone"
	// BeginDeleted starts the account, unless samples were pruned before: then their
	// number is unknown.
	BeginDeleted = `INSERT INTO setting (name, value) SELECT '` + DeletedSetting + `', '0'
		WHERE NOT EXISTS (SELECT 1 FROM setting WHERE name IN ('` + DeletedSetting + `', '` + ProgressSetting + `'))`
	AddDeleted = `UPDATE setting SET value = CAST(value AS INTEGER) + ? WHERE name = '` + DeletedSetting + `'`

	selectStored = `SELECT ifnull(sum(samples_new), 0) FROM pass`
)

// account is how many samples an archive should hold.
type account struct {
	Stored, Deleted int64
	// Open is set if the number of deleted samples is not known.
	Open bool
}

// ReadAccount reads the account.
func ReadAccount(ctx context.Context, db Queryer) (a account, err error) {
	if err := db.QueryRowContext(ctx, selectStored).Scan(&a.Stored); err != nil {
		return a, err
	}
	deleted, err := Setting(ctx, db, DeletedSetting)
	if err != nil {
		return a, err
	}
	pruned, err := Setting(ctx, db, ProgressSetting)
	if err != nil {
		return a, err
	}
	if a.Deleted, err = strconv.ParseInt(deleted, 10, 64); err != nil {
		a.Open = deleted != "" || pruned != ""
	}
	return a, nil
}

// Lost is how many samples are missing, at least, of an archive that holds so many.
func (a account) Lost(held int64) int64 {
	if a.Open {
		return 0
	}
	return max(a.Stored-a.Deleted-held, 0)
}

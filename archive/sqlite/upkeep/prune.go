package upkeep

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// Pruned is the result of [Prune].
type Pruned struct {
	Path string `json:"path"`
	// Before is the time before which rows were deleted, by [archive.Level.View].
	Before    map[string]schema.Instant `json:"before"`
	Rows      map[string]int64          `json:"rows"` // deleted, by [archive.Level.View]
	Conflicts int64                     `json:"conflicts"`
	// LakeConflicts is the number of samples that the lake has with another value. They are
	// conflicts in the ledger now.
	LakeConflicts int64 `json:"lake_conflicts,omitempty"`
	Entities      int64 `json:"entities"`
	Identities    int64 `json:"identities"`
	Passes        int64 `json:"passes"`
	Holes         int64 `json:"holes"`
	Returned      int64 `json:"returned_bytes"` // to the file system
	BytesThen     int64 `json:"bytes_before"`   // including the -wal file, as in BytesNow
	BytesNow      int64 `json:"bytes_after"`
}

func newPruned(path string) *Pruned {
	return &Pruned{Path: path, Before: make(map[string]schema.Instant), Rows: make(map[string]int64)}
}

// AllRows returns the number of deleted rows of all levels and kinds.
func (p *Pruned) AllRows() (rows int64) {
	for n := range maps.Values(p.Rows) {
		rows += n
	}
	return rows
}

// Prune deletes all data older than the options' retention and returns the space to the
// file system. It lets passes in: see [LockTime]. now is the local time; Heapster's clock
// counts if it is earlier. After an error, the work done so far remains.
func Prune(ctx context.Context, path string, opts conn.Options, now time.Time) (Pruned, error) {
	p := newPruned(path)
	e, err := outsidePasses(ctx, path, opts, now, func(s *conn.Writer, at schema.Instant, budget *Budget) (bool, error) {
		if err := dbfile.CheckSpace(path, min(opts.MinFree, minPruneSpace), 0); err != nil {
			return false, err
		}
		// Hot rows are deleted only after compaction. If there is no room for that,
		// deleting cold rows makes some.
		if dbfile.CheckSpace(path, opts.MinFree, 0) == nil {
			if _, done, err := compact(ctx, s, at, budget); err != nil || !done {
				return false, err
			}
		}
		return prune(ctx, s, at, budget, p)
	})
	p.Returned, p.BytesThen, p.BytesNow = e.returned, e.before, e.after
	return *p, err
}

const (
	// passCost limits the pruning of one pass. A day's rows are spread over several passes
	// of the next day.
	passCost = 40_000
	// maxDeletionCost limits a transaction, and so the growth of the -wal file.
	maxDeletionCost = 5_000
	// entityCost and pageCost are the costs of examining an entity and of returning a
	// page, in deleted rows.
	entityCost = 5
	pageCost   = 40
	// minPruneSpace is the free space, in bytes, that pruning needs for the -wal file of a
	// few transactions.
	minPruneSpace = 8 << 20
	// minSparePages pages, or a sixteenth of the file if that is more, stay free for the
	// next hours.
	minSparePages = 4096
	spareFraction = 16
)

// PruneSome deletes some of the data older than the options' retention, and returns the
// number of deleted rows of samples. It is cheap enough for every pass, after compaction,
// and keeps up with the stored rows. now is as for [CompactSome].
func PruneSome(ctx context.Context, s *conn.Writer, now schema.Instant) (rows int64, err error) {
	if !s.Options.Limited() {
		return 0, nil
	}
	if err := dbfile.CheckSpace(s.Path, min(s.Options.MinFree, minPruneSpace), 0); err != nil {
		return 0, err
	}
	budget := &Budget{maxCost: passCost}
	p := newPruned(s.Path)
	if _, err := prune(ctx, s, now, budget, p); err != nil {
		return p.AllRows(), conn.WithRemedy(s.Path, err)
	}
	keep, err := sparePages(ctx, s)
	if err == nil {
		_, _, err = returnPages(ctx, s, keep, budget)
	}
	return p.AllRows(), conn.WithRemedy(s.Path, err)
}

// sparePages returns the number of free pages that the file keeps for the next hours.
func sparePages(ctx context.Context, s *conn.Writer) (keep int64, err error) {
	if dbfile.CheckSpace(s.Path, s.Options.MinFree, 0) != nil {
		return 0, nil
	}
	var pages, size int64
	if err := errors.Join(
		s.DB.QueryRowContext(ctx, conn.SelectPages).Scan(&pages),
		s.DB.QueryRowContext(ctx, conn.SelectPageSize).Scan(&size)); err != nil {
		return 0, err
	}
	keep = max(pages/spareFraction, minSparePages)
	if s.Options.MaxSize > 0 {
		used, err := conn.UsedBytes(ctx, s.DB)
		if err != nil {
			return 0, err
		}
		keep = min(keep, max(s.Options.MaxSize-used, 0)/size)
	}
	return keep, nil
}

// cutoffsOf returns the cutoffs that the retention or MaxSize requires. Rows that are not
// rolled up yet are kept.
func cutoffsOf(ctx context.Context, s *conn.Writer, now schema.Instant) (cutoffs, error) {
	cut := cutoffsOfRetention(s.Options.Retention, now, s.Options.Lake != nil)
	forced, err := sizeCutoffs(ctx, s)
	if err != nil {
		return nil, err
	}
	for level, at := range forced {
		cut.raise(level, schema.Instant(at))
	}
	if len(cut) == 0 {
		return cut, nil
	}
	for level, due := range map[archive.Level]archive.Level{archive.Raw: archive.Hourly, archive.Hourly: archive.Daily} {
		var first sql.Null[schema.Instant]
		if err := s.DB.QueryRowContext(ctx, conn.SelectFirstDue, due).Scan(&first); err != nil {
			return nil, err
		}
		if first.Valid {
			cut.lower(level, first.V)
		}
	}
	return cut, nil
}

// prune deletes, within the budget, all data older than the cutoffs, and then more while
// the archive is too large. It adds to p.
func prune(ctx context.Context, s *conn.Writer, now schema.Instant, budget *Budget, p *Pruned) (done bool, err error) {
	for more := true; more; {
		if done, err := pruneOld(ctx, s, now, budget, p); err != nil || !done {
			return false, err
		}
		if more, err = raiseSizeCutoff(ctx, s, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// pruneOld continues the last pruning to the same cutoffs.
func pruneOld(ctx context.Context, s *conn.Writer, now schema.Instant, budget *Budget, p *Pruned) (done bool, err error) {
	if err := s.CheckLock(); err != nil {
		return false, err
	}
	cut, err := cutoffsOf(ctx, s, now)
	if err != nil || len(cut) == 0 {
		return err == nil, err
	}
	for key, at := range cut {
		p.Before[key.String()] = at
	}
	state, err := loadProgress(ctx, s.DB, cut, s.Options.Lake != nil)
	if err != nil {
		return false, err
	}
	for state.Stage != stageDone {
		if budget.spent() {
			return false, nil
		}
		if err := errors.Join(ctx.Err(), s.CheckLock()); err != nil {
			return false, err
		}
		d := deletion{cutoffs: cut, progress: state}
		switch state.Stage {
		case stageLake:
			err = shipRows(ctx, s, &d)
			if errors.Is(err, archive.ErrLocked) {
				return false, nil
			}
		case stageScopes:
			err = pruneScopes(ctx, s, &d)
		case stageLedger:
			err = pruneLedger(ctx, s, &d)
		default:
			err = pruneEntities(ctx, s, &d)
		}
		if err != nil {
			return false, fmt.Errorf("pruning of %s: %w", state.Stage, err)
		}
		state = d.progress
		d.counts.addTo(p)
		budget.cost += d.cost
	}
	return true, nil
}

// deletion is one transaction of pruning. Its results are valid once it is committed.
type deletion struct {
	cutoffs
	progress
	*conn.Prepared
	cost    int64
	samples int64 // deleted samples, minus samples_new of deleted passes
	counts  Pruned
}

func (d *deletion) full() bool { return d.cost >= maxDeletionCost }

// commit runs do in a transaction, and stores the progress in the same one.
func (d *deletion) commit(ctx context.Context, db *sql.DB, do func()) error {
	return conn.InTransaction(ctx, db, func(tx *sql.Tx) error {
		d.Prepared = conn.Prepare(ctx, tx)
		d.counts.Rows = make(map[string]int64)
		do()
		d.Exec(conn.BeginDeleted)
		d.Exec(conn.AddDeleted, d.samples)
		d.save(d.Prepared)
		return d.Err()
	})
}

// next starts the given stage.
func (d *deletion) next(stage stage) { d.Stage, d.Last = stage, 0 }

func (p *Pruned) addTo(sum *Pruned) {
	for kind, rows := range p.Rows {
		sum.Rows[kind] += rows
	}
	sum.Conflicts += p.Conflicts
	sum.LakeConflicts += p.LakeConflicts
	sum.Entities += p.Entities
	sum.Identities += p.Identities
	sum.Passes += p.Passes
	sum.Holes += p.Holes
}

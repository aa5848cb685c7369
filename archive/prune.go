package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"time"

	"heapstash/schema"
)

// Pruned is what a pruning took away.
type Pruned struct {
	Path string `json:"path"`
	// Before are the moments before which rows went, by [schema.Level.View].
	Before     map[string]schema.Instant `json:"before"`
	Rows       map[string]int64          `json:"rows"` // likewise
	Conflicts  int64                     `json:"conflicts"`
	Entities   int64                     `json:"entities"`
	Identities int64                     `json:"identities"`
	Passes     int64                     `json:"passes"`
	Holes      int64                     `json:"holes"`
	Returned   int64                     `json:"returned_bytes"` // to the file system
	BytesThen  int64                     `json:"bytes_before"`   // the -wal file included, and in the next
	BytesNow   int64                     `json:"bytes_after"`
}

func newPruned(path string) *Pruned {
	return &Pruned{Path: path, Before: make(map[string]schema.Instant), Rows: make(map[string]int64)}
}

// AllRows is the number of rows of all levels and kinds.
func (p *Pruned) AllRows() (rows int64) {
	for n := range maps.Values(p.Rows) {
		rows += n
	}
	return rows
}

// Prune takes away, in turns, all that is older than the options' retention,
// and returns the space to the file system. Passes get in between: see
// [UpkeepTurn]. The time now is the local one; Heapster's, where that is
// earlier, decides. An error leaves what was done until then.
func Prune(ctx context.Context, path string, opts Options, now time.Time) (Pruned, error) {
	p := newPruned(path)
	err := inTurns(ctx, path, opts, func(s *Writer, turn *turn) (bool, error) {
		if p.BytesThen == 0 {
			var err error
			if p.BytesThen, err = sizeOf(path); err != nil {
				return false, err
			}
		}
		at, err := clock(ctx, s.db, now)
		if err != nil {
			return false, err
		}
		if err := checkSpace(path, min(opts.MinFree, pruneNeeds), 0); err != nil {
			return false, err
		}
		// What is old and still hot has to be cold to go. Where there is no
		// room to move it, taking away what is cold makes some.
		if checkSpace(path, opts.MinFree, 0) == nil {
			if _, done, err := s.compact(ctx, at, turn); err != nil || !done {
				return false, err
			}
		}
		if done, err := s.prune(ctx, at, turn, p); err != nil || !done {
			return false, err
		}
		returned, done, err := s.returnPages(ctx, 0, turn)
		p.Returned += returned
		if err != nil || !done {
			return false, err
		}
		_, err = s.emptyLog(ctx)
		return true, err
	})
	if size, statErr := sizeOf(path); statErr == nil {
		p.BytesNow = size
	}
	return *p, err
}

const (
	// passEffort bounds what a pass prunes. A day's rows are spread over some
	// of the next day's passes.
	passEffort = 40_000
	// sliceEffort bounds a transaction, and so the growth of the -wal file.
	sliceEffort = 5_000
	// entityEffort and pageEffort are what looking at an entity and returning
	// a page cost, in rows deleted.
	entityEffort = 5
	pageEffort   = 40
	// pruneNeeds is the free space below which not even pruning goes on: some
	// transactions' -wal.
	pruneNeeds = 8 << 20
	// leastSpare pages or a sixteenth of the file stay free for what comes next:
	// returned, they would be taken again by the next hours.
	leastSpare = 4096
	spareShare = 16
)

const (
	selectPages    = `PRAGMA page_count`
	selectFirstDue = `SELECT min(ts) FROM rollup_due WHERE level = ?`
)

// Prune takes away some of what is older than the options' retention, and
// returns the number of rows of samples: little enough to be a part of every
// pass, after its compaction, and enough to keep up with what passes store.
// Take now as for [Store.Compact].
func (s *Writer) Prune(ctx context.Context, now schema.Instant) (rows int64, err error) {
	if !s.opts.limited() {
		return 0, nil
	}
	if err := checkSpace(s.path, min(s.opts.MinFree, pruneNeeds), 0); err != nil {
		return 0, err
	}
	turn := &turn{effort: passEffort}
	p := newPruned(s.path)
	if _, err := s.prune(ctx, now, turn, p); err != nil {
		return p.AllRows(), explain(s.path, err)
	}
	keep, err := s.sparePages(ctx)
	if err == nil {
		_, _, err = s.returnPages(ctx, keep, turn)
	}
	return p.AllRows(), explain(s.path, err)
}

// sparePages is how many free pages the file keeps for what comes next.
func (s *Writer) sparePages(ctx context.Context) (keep int64, err error) {
	if checkSpace(s.path, s.opts.MinFree, 0) != nil {
		return 0, nil
	}
	var pages, size int64
	if err := errors.Join(
		s.db.QueryRowContext(ctx, selectPages).Scan(&pages),
		s.db.QueryRowContext(ctx, selectPageSize).Scan(&size)); err != nil {
		return 0, err
	}
	keep = max(pages/spareShare, leastSpare)
	if s.opts.MaxSize > 0 {
		used, err := usedBytes(ctx, s.db)
		if err != nil {
			return 0, err
		}
		keep = min(keep, max(s.opts.MaxSize-used, 0)/size)
	}
	return keep, nil
}

// limited reports whether anything is not to be kept for ever.
func (o Options) limited() bool { return o.Retention.Limited() || o.MaxSize > 0 }

// cutoffs are those of the retention, or what the size asks for, but no row goes
// before it is rolled up.
func (s *Writer) cutoffs(ctx context.Context, now schema.Instant) (cutoffs, error) {
	cut := s.opts.Retention.cutoffs(now)
	forced, err := s.forced(ctx)
	if err != nil {
		return nil, err
	}
	for level, at := range forced {
		cut.atLeast(level, at)
	}
	if len(cut) == 0 {
		return cut, nil
	}
	backfill, err := setting(ctx, s.db, backfillSetting)
	if err != nil {
		return nil, err
	}
	if backfill != "" {
		cut.atMost(schema.Raw, 0)
	}
	for level, due := range map[schema.Level]schema.Level{schema.Raw: schema.Hourly, schema.Hourly: schema.Daily} {
		var first sql.Null[schema.Instant]
		if err := s.db.QueryRowContext(ctx, selectFirstDue, due).Scan(&first); err != nil {
			return nil, err
		}
		if first.Valid {
			cut.atMost(level, first.V)
		}
	}
	return cut, nil
}

// prune works as long as the turn lasts, and adds to p: it takes away what is
// older than it is to be kept, and then more if the archive is still too large.
func (s *Writer) prune(ctx context.Context, now schema.Instant, turn *turn, p *Pruned) (done bool, err error) {
	for more := true; more; {
		if done, err := s.pruneOld(ctx, now, turn, p); err != nil || !done {
			return false, err
		}
		if more, err = s.tighten(ctx, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// pruneOld goes on from where the last pruning to the same cutoffs stopped.
func (s *Writer) pruneOld(ctx context.Context, now schema.Instant, turn *turn, p *Pruned) (done bool, err error) {
	if err := s.locked(); err != nil {
		return false, err
	}
	cut, err := s.cutoffs(ctx, now)
	if err != nil || len(cut) == 0 {
		return err == nil, err
	}
	for key, at := range cut {
		p.Before[key.String()] = at
	}
	state, err := loadProgress(ctx, s.db, cut)
	if err != nil {
		return false, err
	}
	for state.Stage != pruneDone {
		if turn.over() {
			return false, nil
		}
		if err := errors.Join(ctx.Err(), s.locked()); err != nil {
			return false, err
		}
		slice := slice{cutoffs: cut, progress: state}
		switch state.Stage {
		case pruneScopes:
			err = s.pruneScopes(ctx, &slice)
		case pruneLedger:
			err = s.pruneLedger(ctx, &slice)
		default:
			err = s.pruneEntities(ctx, &slice)
		}
		if err != nil {
			return false, fmt.Errorf("pruning of %s: %w", state.Stage, err)
		}
		state = slice.progress
		slice.tally.addTo(p)
		turn.spent += slice.effort
	}
	return true, nil
}

// slice is one transaction's worth of pruning: what it is to do, and what it
// has done, which holds once it is committed.
type slice struct {
	cutoffs
	progress
	prepared
	effort int64
	gone   int64 // samples that went, less those of passes that went
	tally  Pruned
}

func (s *slice) full() bool { return s.effort >= sliceEffort }

// commit does the work in a transaction of its own, together with the progress.
func (s *slice) commit(ctx context.Context, db *sql.DB, do func() error) error {
	return inTransaction(ctx, db, func(tx *sql.Tx) error {
		s.prepared = prepare(ctx, tx)
		s.tally.Rows = make(map[string]int64)
		if err := do(); err != nil {
			return err
		}
		if err := s.exec(beginGone); err != nil {
			return err
		}
		if err := s.exec(addGone, s.gone); err != nil {
			return err
		}
		return s.save(s.prepared)
	})
}

// next begins the stage that follows.
func (s *slice) next(stage stage) { s.Stage, s.Last = stage, 0 }

func (p *Pruned) addTo(sum *Pruned) {
	for kind, rows := range p.Rows {
		sum.Rows[kind] += rows
	}
	sum.Conflicts += p.Conflicts
	sum.Entities += p.Entities
	sum.Identities += p.Identities
	sum.Passes += p.Passes
	sum.Holes += p.Holes
}

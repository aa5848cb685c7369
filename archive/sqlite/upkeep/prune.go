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

// Pruned is what a pruning took away.
type Pruned struct {
	Path string `json:"path"`
	// Before are the moments before which rows went, by [archive.Level.View].
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
func Prune(ctx context.Context, path string, opts conn.Options, now time.Time) (Pruned, error) {
	p := newPruned(path)
	err := InTurns(ctx, path, opts, func(s *conn.Writer, turn *Turn) (bool, error) {
		if p.BytesThen == 0 {
			var err error
			if p.BytesThen, err = dbfile.SizeOf(path); err != nil {
				return false, err
			}
		}
		at, err := clock(ctx, s.Db, now)
		if err != nil {
			return false, err
		}
		if err := dbfile.CheckSpace(path, min(opts.MinFree, pruneNeeds), 0); err != nil {
			return false, err
		}
		// What is old and still hot has to be cold to go. Where there is no
		// room to move it, taking away what is cold makes some.
		if dbfile.CheckSpace(path, opts.MinFree, 0) == nil {
			if _, done, err := compact(ctx, s, at, turn); err != nil || !done {
				return false, err
			}
		}
		if done, err := prune(ctx, s, at, turn, p); err != nil || !done {
			return false, err
		}
		returned, done, err := returnPages(ctx, s, 0, turn)
		p.Returned += returned
		if err != nil || !done {
			return false, err
		}
		_, err = emptyLog(ctx, s)
		return true, err
	})
	if size, statErr := dbfile.SizeOf(path); statErr == nil {
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

// PruneSome takes away some of what is older than the options' retention, and
// returns the number of rows of samples: little enough to be a part of every
// pass, after its compaction, and enough to keep up with what passes store.
// Take now as for [Store.Compact].
func PruneSome(ctx context.Context, s *conn.Writer, now schema.Instant) (rows int64, err error) {
	if !s.Options.Limited() {
		return 0, nil
	}
	if err := dbfile.CheckSpace(s.Path, min(s.Options.MinFree, pruneNeeds), 0); err != nil {
		return 0, err
	}
	turn := &Turn{effort: passEffort}
	p := newPruned(s.Path)
	if _, err := prune(ctx, s, now, turn, p); err != nil {
		return p.AllRows(), conn.Explain(s.Path, err)
	}
	keep, err := sparePages(ctx, s)
	if err == nil {
		_, _, err = returnPages(ctx, s, keep, turn)
	}
	return p.AllRows(), conn.Explain(s.Path, err)
}

// sparePages is how many free pages the file keeps for what comes next.
func sparePages(ctx context.Context, s *conn.Writer) (keep int64, err error) {
	if dbfile.CheckSpace(s.Path, s.Options.MinFree, 0) != nil {
		return 0, nil
	}
	var pages, size int64
	if err := errors.Join(
		s.Db.QueryRowContext(ctx, conn.SelectPages).Scan(&pages),
		s.Db.QueryRowContext(ctx, conn.SelectPageSize).Scan(&size)); err != nil {
		return 0, err
	}
	keep = max(pages/spareShare, leastSpare)
	if s.Options.MaxSize > 0 {
		used, err := conn.UsedBytes(ctx, s.Db)
		if err != nil {
			return 0, err
		}
		keep = min(keep, max(s.Options.MaxSize-used, 0)/size)
	}
	return keep, nil
}

// cutoffsOf are those of the retention, or what the size asks for, but no row goes
// before it is rolled up.
func cutoffsOf(ctx context.Context, s *conn.Writer, now schema.Instant) (cutoffs, error) {
	cut := cutoffsOfRetention(s.Options.Retention, now)
	forced, err := forced(ctx, s)
	if err != nil {
		return nil, err
	}
	for level, at := range forced {
		cut.atLeast(level, at)
	}
	if len(cut) == 0 {
		return cut, nil
	}
	for level, due := range map[archive.Level]archive.Level{archive.Raw: archive.Hourly, archive.Hourly: archive.Daily} {
		var first sql.Null[schema.Instant]
		if err := s.Db.QueryRowContext(ctx, conn.SelectFirstDue, due).Scan(&first); err != nil {
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
func prune(ctx context.Context, s *conn.Writer, now schema.Instant, turn *Turn, p *Pruned) (done bool, err error) {
	for more := true; more; {
		if done, err := pruneOld(ctx, s, now, turn, p); err != nil || !done {
			return false, err
		}
		if more, err = tighten(ctx, s, now); err != nil {
			return false, err
		}
	}
	return true, nil
}

// pruneOld goes on from where the last pruning to the same cutoffs stopped.
func pruneOld(ctx context.Context, s *conn.Writer, now schema.Instant, turn *Turn, p *Pruned) (done bool, err error) {
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
	state, err := loadProgress(ctx, s.Db, cut)
	if err != nil {
		return false, err
	}
	for state.Stage != stageDone {
		if turn.over() {
			return false, nil
		}
		if err := errors.Join(ctx.Err(), s.CheckLock()); err != nil {
			return false, err
		}
		slice := slice{cutoffs: cut, progress: state}
		switch state.Stage {
		case stageScopes:
			err = pruneScopes(ctx, s, &slice)
		case stageLedger:
			err = pruneLedger(ctx, s, &slice)
		default:
			err = pruneEntities(ctx, s, &slice)
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
	conn.Prepared
	effort int64
	gone   int64 // samples that went, less those of passes that went
	tally  Pruned
}

func (s *slice) full() bool { return s.effort >= sliceEffort }

// commit does the work in a transaction of its own, together with the progress.
func (s *slice) commit(ctx context.Context, db *sql.DB, do func() error) error {
	return conn.InTransaction(ctx, db, func(tx *sql.Tx) error {
		s.Prepared = conn.Prepare(ctx, tx)
		s.tally.Rows = make(map[string]int64)
		if err := do(); err != nil {
			return err
		}
		if err := s.Exec(conn.BeginGone); err != nil {
			return err
		}
		if err := s.Exec(conn.AddGone, s.gone); err != nil {
			return err
		}
		return s.save(s.Prepared)
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

package upkeep

import (
	"context"
	"errors"
	"time"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
)

// LockTime is about how long upkeep outside a pass holds the archive's lock at a time. A
// pass that waits a few times as long gets the lock in between.
const LockTime = 500 * time.Millisecond

const (
	// lockPause is how long the lock is free between two calls of work, so that waiting
	// processes try it several times.
	lockPause = 4 * dbfile.LockPoll
	// passWait is how long upkeep that has begun waits for a pass to end.
	passWait = 10 * time.Minute
)

// Budget limits a piece of work by time, by cost, or both. The zero Budget has no limit.
type Budget struct {
	end     time.Time
	maxCost int64 // in deleted rows or the like; 0 means no limit
	cost    int64
}

func newBudget() *Budget { return &Budget{end: time.Now().Add(LockTime)} }

func (b *Budget) spent() bool {
	return b.maxCost > 0 && b.cost >= b.maxCost || !b.end.IsZero() && !time.Now().Before(b.end)
}

// Interleave opens the archive, which must exist, calls work with a budget of [LockTime],
// closes the archive, pauses, and repeats this until work is done. Closing the archive
// checkpoints it, unless a process reads it, so the -wal file stays small.
func Interleave(ctx context.Context, path string, opts conn.Options, work func(*conn.Writer, *Budget) (done bool, err error)) error {
	exists, err := conn.Inspect(path)
	if err != nil {
		return err
	}
	if !exists {
		return dbfile.NoArchive(path)
	}
	for {
		s, err := conn.OpenWriter(ctx, path, opts)
		if err != nil {
			return err
		}
		done, err := work(s, newBudget())
		if err := errors.Join(conn.WithRemedy(path, err), s.Close()); err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
		opts.LockWait = passWait
	}
}

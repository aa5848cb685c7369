package upkeep

import (
	"context"
	"errors"
	"time"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
)

// UpkeepTurn is about how long upkeep that is not a part of a pass holds the
// archive's lock at a time. A pass that waits a few times as long gets in
// between.
const UpkeepTurn = 500 * time.Millisecond

const (
	// upkeepPause is how long upkeep lets go of the lock, so that whoever waits
	// for it looks at it several times.
	upkeepPause = 4 * dbfile.LockPoll
	// upkeepPatience is how long upkeep that has begun waits for a pass.
	upkeepPatience = 10 * time.Minute
)

// Turn is a share of work: so much time, or so much effort. The zero turn has
// no end.
type Turn struct {
	end    time.Time
	effort int64 // about as much as deleting so many rows; zero for any
	spent  int64
}

func newTurn() *Turn { return &Turn{end: time.Now().Add(UpkeepTurn)} }

func (t *Turn) over() bool {
	return t.effort > 0 && t.spent >= t.effort || !t.end.IsZero() && !time.Now().Before(t.end)
}

// InTurns opens the archive, which must exist, for a turn of work, gives it
// back for a moment, and so on until the work is done. Whatever one turn wrote
// is checkpointed by the end of it, unless somebody reads, so the -wal file
// stays small.
func InTurns(ctx context.Context, path string, opts conn.Options, work func(*conn.Writer, *Turn) (done bool, err error)) error {
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
		done, err := work(s, newTurn())
		if err := errors.Join(conn.Explain(path, err), s.Close()); err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(upkeepPause):
		}
		opts.LockWait = upkeepPatience
	}
}

// Package upkeep compacts, rolls up and prunes an archive: some of it with each pass, or
// all at once in short calls that let passes in.
package upkeep

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// Compaction is the result of [Compact].
type Compaction struct {
	Path     string  `json:"path"`
	Moved    []Moved `json:"moved"`
	Returned int64   `json:"returned_bytes"` // to the file system
	Before   int64   `json:"bytes_before"`   // including the -wal file, as in After
	After    int64   `json:"bytes_after"`
	// Log is the size of the -wal file, if a reader kept it from being emptied.
	Log int64 `json:"wal_bytes"`
}

// Compact does at once what passes do in parts: it moves all closed hours to the cold
// tables and makes the rollups. It also returns free pages to the file system and empties
// the write-ahead log. It lets passes in: see [LockTime]. now is the local time. After an
// error, the work done so far remains.
func Compact(ctx context.Context, path string, opts conn.Options, now time.Time) (Compaction, error) {
	c := Compaction{Path: path, Moved: []Moved{}}
	e, err := outsidePasses(ctx, path, opts, now, func(s *conn.Writer, at schema.Instant, budget *Budget) (bool, error) {
		moved, done, err := compact(ctx, s, at, budget)
		c.add(moved)
		return done, err
	})
	c.Returned, c.Before, c.After, c.Log = e.returned, e.before, e.after, e.log
	return c, err
}

// effect is what upkeep outside passes did to the file, in bytes.
type effect struct{ returned, before, after, log int64 }

// outsidePasses calls work until it is done, returns free pages, and empties the log.
func outsidePasses(ctx context.Context, path string, opts conn.Options, now time.Time,
	work func(s *conn.Writer, at schema.Instant, budget *Budget) (done bool, err error)) (e effect, err error) {
	err = Interleave(ctx, path, opts, func(s *conn.Writer, budget *Budget) (bool, error) {
		if e.before == 0 {
			var err error
			if e.before, err = dbfile.SizeOf(path); err != nil {
				return false, err
			}
		}
		at, err := clock(ctx, s.DB, now)
		if err != nil {
			return false, err
		}
		if done, err := work(s, at, budget); err != nil || !done {
			return false, err
		}
		returned, done, err := returnPages(ctx, s, 0, budget)
		e.returned += returned
		if err != nil || !done {
			return false, err
		}
		e.log, err = emptyLog(ctx, s)
		return true, err
	})
	if size, statErr := dbfile.SizeOf(path); statErr == nil {
		e.after = size
	}
	return e, err
}

func (c *Compaction) add(moved []Moved) {
	for _, m := range moved {
		i := slices.IndexFunc(c.Moved, func(sum Moved) bool { return sum.Table == m.Table })
		if i < 0 {
			c.Moved = append(c.Moved, m)
		} else {
			c.Moved[i].Rows += m.Rows
		}
	}
}

// clock returns the earlier of the local time and Heapster's, which is the newest batch of
// any cluster: either may be ahead. It returns None if the archive has no batch.
func clock(ctx context.Context, db conn.Queryer, local time.Time) (schema.Instant, error) {
	var horizon schema.Instant
	err := db.QueryRowContext(ctx, conn.SelectLastHorizon).Scan(&horizon)
	return min(horizon, schema.InstantOf(local)), err
}

const (
	selectFreePages = `PRAGMA freelist_count`
	// returnSomePages moves pages from the file's end into free ones, in one transaction,
	// and returns a row per page.
	returnSomePages  = `PRAGMA incremental_vacuum(500)`
	checkpointLog    = `PRAGMA wal_checkpoint(TRUNCATE)`
	shortBusyTimeout = `PRAGMA busy_timeout = 500`
)

// returnPages returns free pages to the file system, within the budget. It leaves keep of
// them for the next passes. returned is in bytes.
func returnPages(ctx context.Context, s *conn.Writer, keep int64, budget *Budget) (returned int64, done bool, err error) {
	var free, pageSize int64
	if err := s.DB.QueryRowContext(ctx, conn.SelectPageSize).Scan(&pageSize); err != nil {
		return 0, false, err
	}
	for {
		if err := s.DB.QueryRowContext(ctx, selectFreePages).Scan(&free); err != nil {
			return returned, false, err
		}
		if free <= keep {
			return returned, true, nil
		}
		if budget.spent() {
			return returned, false, nil
		}
		var pages int64
		err := conn.Each(ctx, s.DB, func(*sql.Rows) error { pages++; return nil }, returnSomePages)
		returned += pages * pageSize
		budget.cost += pages * pageCost
		if err != nil {
			return returned, false, err
		}
		if pages == 0 { // the archive was created without auto_vacuum
			return returned, true, nil
		}
	}
}

// emptyLog moves the -wal file's content into the archive. A reader may prevent that; then
// it returns the size of the -wal file in bytes. Close the writer afterwards: its busy
// timeout is now too short.
func emptyLog(ctx context.Context, s *conn.Writer) (left int64, err error) {
	if _, err := s.DB.ExecContext(ctx, shortBusyTimeout); err != nil {
		return 0, err
	}
	var busy, pages, moved int64
	if err := s.DB.QueryRowContext(ctx, checkpointLog).Scan(&busy, &pages, &moved); err != nil {
		return 0, err
	}
	if busy == 0 {
		return 0, nil
	}
	return dbfile.SizeOf(s.Path + dbfile.WriteAheadLog)
}

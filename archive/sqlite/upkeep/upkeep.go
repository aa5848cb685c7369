package upkeep

import (
	"context"
	"database/sql"
	"time"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// Compaction is what [Compact] did.
type Compaction struct {
	Path     string  `json:"path"`
	Moved    []Moved `json:"moved"`
	Returned int64   `json:"returned_bytes"` // to the file system
	Before   int64   `json:"bytes_before"`   // the -wal file included, and in the next
	After    int64   `json:"bytes_after"`
	// Log is what is left of the -wal file, because somebody reads.
	Log int64 `json:"wal_bytes"`
}

// Compact does at once what passes do now and then: it moves the hours that
// have closed to the cold tables. It also returns free pages to the file system
// and empties the write-ahead log. Passes get in between: see [UpkeepTurn]. The
// time now is the local one. An error leaves what was done until then.
func Compact(ctx context.Context, path string, opts conn.Options, now time.Time) (Compaction, error) {
	c := Compaction{Path: path, Moved: []Moved{}}
	err := InTurns(ctx, path, opts, func(s *conn.Writer, turn *Turn) (bool, error) {
		if c.Before == 0 {
			var err error
			if c.Before, err = dbfile.SizeOf(path); err != nil {
				return false, err
			}
		}
		at, err := clock(ctx, s.Db, now)
		if err != nil {
			return false, err
		}
		moved, done, err := compact(ctx, s, at, turn)
		c.add(moved)
		if err != nil || !done {
			return false, err
		}
		returned, done, err := returnPages(ctx, s, 0, turn)
		c.Returned += returned
		if err != nil || !done {
			return false, err
		}
		c.Log, err = emptyLog(ctx, s)
		return true, err
	})
	if size, statErr := dbfile.SizeOf(path); statErr == nil {
		c.After = size
	}
	return c, err
}

func (c *Compaction) add(moved []Moved) {
	for _, m := range moved {
		found := false
		for i := range c.Moved {
			if found = c.Moved[i].Table == m.Table; found {
				c.Moved[i].Rows += m.Rows
				break
			}
		}
		if !found {
			c.Moved = append(c.Moved, m)
		}
	}
}

// clock returns the earlier one of Heapster's clock, as of the newest batch of
// any cluster, and the local one: one of them may be ahead. It is None in an
// archive that has no batch yet.
func clock(ctx context.Context, db *sql.DB, local time.Time) (schema.Instant, error) {
	var horizon schema.Instant
	err := db.QueryRowContext(ctx, conn.SelectLastHorizon).Scan(&horizon)
	return min(horizon, schema.InstantOf(local)), err
}

const (
	selectFreePages = `PRAGMA freelist_count`
	// returnSomePages moves pages from the file's end into holes, one for each
	// row that it returns, in one transaction.
	returnSomePages = `PRAGMA incremental_vacuum(500)`
	checkpointLog   = `PRAGMA wal_checkpoint(TRUNCATE)`
	hurry           = `PRAGMA busy_timeout = 500`
)

// returnPages shortens the file by its free pages but for so many, which the
// next passes fill, as long as the turn lasts. It returns the bytes.
func returnPages(ctx context.Context, s *conn.Writer, keep int64, turn *Turn) (returned int64, done bool, err error) {
	var free, pageSize int64
	if err := s.Db.QueryRowContext(ctx, conn.SelectPageSize).Scan(&pageSize); err != nil {
		return 0, false, err
	}
	for {
		if err := s.Db.QueryRowContext(ctx, selectFreePages).Scan(&free); err != nil {
			return returned, false, err
		}
		if free <= keep {
			return returned, true, nil
		}
		if turn.over() {
			return returned, false, nil
		}
		var pages int64
		err := conn.Each(ctx, s.Db, func(*sql.Rows) error { pages++; return nil }, returnSomePages)
		returned += pages * pageSize
		turn.spent += pages * pageEffort
		if err != nil {
			return returned, false, err
		}
		if pages == 0 { // an archive that was made without auto_vacuum
			return returned, true, nil
		}
	}
}

// emptyLog brings all that is in the -wal file into the archive. A reader may
// keep it from that; the bytes left are then returned. It ends the store's use,
// for its connection no longer waits for others as it should.
func emptyLog(ctx context.Context, s *conn.Writer) (left int64, err error) {
	if _, err := s.Db.ExecContext(ctx, hurry); err != nil {
		return 0, err
	}
	var busy, pages, moved int64
	if err := s.Db.QueryRowContext(ctx, checkpointLog).Scan(&busy, &pages, &moved); err != nil {
		return 0, err
	}
	if busy == 0 {
		return 0, nil
	}
	return dbfile.SizeOf(s.Path + dbfile.WriteAheadLog)
}

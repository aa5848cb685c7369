package upkeep

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// settleTime is how long an hour stays hot after its end. Heapster shows samples for 15
// minutes; later samples are written to the cold table.
const settleTime = 20 * time.Minute

// Moved is the number of rows that a compaction moved from a hot table to its cold one.
type Moved struct {
	Table string `json:"table"` // without _hot
	Rows  int64  `json:"rows"`
}

// CompactSome moves the hours that ended at least 20 minutes before now from the hot
// tables to the cold ones, in one transaction per table and hour, and returns the number
// of moved rows. It then makes due rollups, but not all at once if they are many. Pass as
// now the earlier of Heapster's clock and the local one. The error wraps
// [archive.ErrNoSpace] if an hour is due and [conn.Options].MinFree forbids moving it.
func CompactSome(ctx context.Context, s *conn.Writer, now schema.Instant) (rows int64, err error) {
	moved, done, err := moveHours(ctx, s, now, &Budget{})
	if err == nil && done {
		var budget *Budget
		if budget, err = rollupBudget(ctx, s); err == nil {
			_, err = roll(ctx, s, openHour(now), budget)
		}
	}
	for _, m := range moved {
		rows += m.Rows
	}
	return rows, conn.WithRemedy(s.Path, err)
}

// Settle moves all closed hours and makes all due rollups, and lets no pass in.
func Settle(ctx context.Context, s *conn.Writer, now schema.Instant) error {
	_, _, err := compact(ctx, s, now, &Budget{})
	return conn.WithRemedy(s.Path, err)
}

// compact moves all closed hours and makes all due rollups, within the budget.
func compact(ctx context.Context, s *conn.Writer, now schema.Instant, budget *Budget) (moved []Moved, done bool, err error) {
	moved, done, err = moveHours(ctx, s, now, budget)
	if err == nil && done {
		done, err = roll(ctx, s, openHour(now), budget)
	}
	return moved, done, err
}

// openHour returns the start of the first hour that has not closed.
func openHour(now schema.Instant) schema.Instant { return archive.Hourly.Begin(now.Add(-settleTime)) }

// moveHours moves the closed hours to the cold tables.
func moveHours(ctx context.Context, s *conn.Writer, now schema.Instant, budget *Budget) (moved []Moved, done bool, err error) {
	limit := openHour(now)
	for _, pair := range s.Layout.Pairs() {
		m := Moved{Table: pair.Name}
		for done = false; !done && !budget.spent(); {
			var rows int64
			rows, done, err = moveOldestHour(ctx, s, pair, limit)
			m.Rows += rows
			if err != nil {
				return append(moved, m), false, err
			}
		}
		if m.Rows > 0 {
			moved = append(moved, m)
		}
		if !done {
			return moved, false, nil
		}
	}
	return moved, true, nil
}

// moveOldestHour moves the oldest hour. If that begins at limit, the start of an hour, or
// later, it is done.
func moveOldestHour(ctx context.Context, s *conn.Writer, pair tables.Pair, limit schema.Instant) (rows int64, done bool, err error) {
	var first schema.Instant
	if err := s.DB.QueryRowContext(ctx, pair.Oldest).Scan(&first); err != nil {
		return 0, false, err
	}
	hour := archive.Hourly.Begin(first)
	if first == 0 || hour >= limit {
		return 0, true, nil
	}
	if err := errors.Join(s.CheckLock(), dbfile.CheckSpace(s.Path, s.Options.MinFree, 0)); err != nil {
		return 0, false, err
	}
	if rows, err = moveHour(ctx, s, pair, hour); err != nil {
		return 0, false, fmt.Errorf("compaction of %s at %v: %w", pair.Name, hour, err)
	}
	return rows, false, nil
}

func moveHour(ctx context.Context, s *conn.Writer, pair tables.Pair, hour schema.Instant) (int64, error) {
	last := hour.Add(time.Hour) - 1
	var moved int64
	err := conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, s.Rollups[pair.Name].MarkAt, hour, hour, last); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, pair.Move, hour, last)
		if err != nil {
			return err
		}
		if moved, err = result.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, pair.Evict, hour, last); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, conn.UpsertCompaction, pair.Name, last)
		return err
	})
	if err == nil {
		s.Compacted[pair.Name] = last
	}
	return moved, err
}

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

// settle is how long an hour stays hot after its end: Heapster shows samples
// for 15 minutes, and whatever comes later still goes straight to cold.
const settle = 20 * time.Minute

// Moved is how many rows a compaction moved from one hot table to its cold one.
type Moved struct {
	Table string `json:"table"` // without the _hot
	Rows  int64  `json:"rows"`
}

// CompactSome moves the hours that ended 20 minutes or more before now from the
// hot tables to the cold ones, each table's hour in a transaction of its own,
// and returns the number of rows moved. It then makes the rollups that are due,
// some of them where they are many. Take now from the earlier one of
// Heapster's clock and the local one. The error wraps [archive.ErrNoSpace] where
// an hour is due and [Options].MinFree forbids it.
func CompactSome(ctx context.Context, s *conn.Writer, now schema.Instant) (rows int64, err error) {
	moved, done, err := move(ctx, s, now, &Turn{})
	if err == nil && done {
		var turn *Turn
		if turn, err = rollTurn(ctx, s); err == nil {
			_, err = roll(ctx, s, openSince(now), turn)
		}
	}
	for _, m := range moved {
		rows += m.Rows
	}
	return rows, conn.Explain(s.Path, err)
}

// compact does all that is due for as long as the turn lasts.
func compact(ctx context.Context, s *conn.Writer, now schema.Instant, turn *Turn) (moved []Moved, done bool, err error) {
	moved, done, err = move(ctx, s, now, turn)
	if err == nil && done {
		done, err = roll(ctx, s, openSince(now), turn)
	}
	return moved, done, err
}

// openSince is when the first hour begins that has not closed.
func openSince(now schema.Instant) schema.Instant { return archive.Hourly.Begin(now.Add(-settle)) }

// move brings the hours that have closed to the cold tables.
func move(ctx context.Context, s *conn.Writer, now schema.Instant, turn *Turn) (moved []Moved, done bool, err error) {
	pairs := make([]hotPair, 0, len(s.Layout.Tables)+1)
	for _, t := range s.Layout.Tables {
		pairs = append(pairs, hotPair{t.Name, t.Oldest, s.Rollups[t.Name].MarkAt, t.Move, t.Evict})
	}
	pairs = append(pairs, hotPair{tables.NarrowName, tables.NarrowOldest, s.Rollups[tables.NarrowName].MarkAt, tables.MoveNarrow, tables.EvictNarrow})
	limit := openSince(now)
	for _, pair := range pairs {
		m := Moved{Table: pair.name}
		for done = false; !done && !turn.over(); {
			var rows int64
			rows, done, err = compactHour(ctx, s, pair, limit)
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

// hotPair is a hot and a cold table, with the statements that move rows.
type hotPair struct {
	name, oldest, mark, move, evict string
}

// compactHour moves the oldest hour, unless that begins at limit, the beginning
// of an hour, or later; then all is done.
func compactHour(ctx context.Context, s *conn.Writer, pair hotPair, limit schema.Instant) (rows int64, done bool, err error) {
	var first schema.Instant
	if err := s.Db.QueryRowContext(ctx, pair.oldest).Scan(&first); err != nil {
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
		return 0, false, fmt.Errorf("compaction of %s at %v: %w", pair.name, hour, err)
	}
	return rows, false, nil
}

func moveHour(ctx context.Context, s *conn.Writer, pair hotPair, hour schema.Instant) (int64, error) {
	last := hour.Add(time.Hour) - 1
	var moved int64
	err := conn.InTransaction(ctx, s.Db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, pair.mark, hour, hour, last); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, pair.move, hour, last)
		if err != nil {
			return err
		}
		if moved, err = result.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, pair.evict, hour, last); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, conn.UpsertCompaction, pair.name, last)
		return err
	})
	if err == nil {
		s.Compacted[pair.name] = last
	}
	return moved, err
}

package archive

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"heapstash/schema"
)

// settle is how long an hour stays hot after its end: Heapster shows samples
// for 15 minutes, and whatever comes later still goes straight to cold.
const settle = 20 * time.Minute

const upsertCompaction = `INSERT INTO compaction (table_name, ts) VALUES (?, ?)
	ON CONFLICT (table_name) DO UPDATE SET ts = excluded.ts`

// Compact moves the hours that ended 20 minutes or more before now from the
// hot tables to the cold ones, each table's hour in a transaction of its own,
// and returns the number of rows moved. Take now from the earlier one of
// Heapster's clock and the local one.
func (s *Store) Compact(ctx context.Context, now schema.Instant) (rows int64, err error) {
	limit := hourOf(now.Add(-settle))
	for _, t := range s.layout.tables {
		moved, err := s.compactTable(ctx, t.name, limit, t.oldest, t.move, t.evict)
		rows += moved
		if err != nil {
			return rows, explain(s.path, err)
		}
	}
	moved, err := s.compactTable(ctx, narrowName, limit, narrowOldest, moveNarrow, evictNarrow)
	return rows + moved, explain(s.path, err)
}

// compactTable moves the hours before limit, the beginning of an hour.
func (s *Store) compactTable(ctx context.Context, name string, limit schema.Instant, oldest, move, evict string) (int64, error) {
	var total int64
	for {
		var first schema.Instant
		if err := s.db.QueryRowContext(ctx, oldest).Scan(&first); err != nil {
			return total, err
		}
		hour := hourOf(first)
		if first == 0 || hour >= limit {
			return total, nil
		}
		moved, err := s.moveHour(ctx, name, hour, move, evict)
		if err != nil {
			return total, fmt.Errorf("compaction of %s at %v: %w", name, hour, err)
		}
		total += moved
	}
}

func (s *Store) moveHour(ctx context.Context, name string, hour schema.Instant, move, evict string) (int64, error) {
	last := hour.Add(time.Hour) - 1
	var moved int64
	err := inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, move, hour, last)
		if err != nil {
			return err
		}
		if moved, err = result.RowsAffected(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, evict, hour, last); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, upsertCompaction, name, last)
		return err
	})
	if err == nil {
		s.compacted[name] = last
	}
	return moved, err
}

func hourOf(at schema.Instant) schema.Instant { return at - at%3600 }

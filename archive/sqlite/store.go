package sqlite

import (
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// Store is an archive open for writing by one pass. It holds the archive's kernel lock
// from [Open] to Close, so do not keep it open between passes. Use it from one goroutine.
type Store struct {
	*conn.Writer
	// Ids in the file that were read or written so far.
	entities map[entityKey]int64
	metrics  map[schema.MetricName]int64
}

// Open opens the archive for a pass: see [conn.OpenWriter].
func Open(ctx context.Context, path string, opts conn.Options) (*Store, error) {
	w, err := conn.OpenWriter(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	s := &Store{Writer: w}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(conn.WithRemedy(path, err), w.Close())
	}
	return s, nil
}

// Upkeep compacts and prunes as much as one pass should: see [upkeep.CompactSome] and
// [upkeep.PruneSome]. It prunes even if there is too little space to compact.
func (s *Store) Upkeep(ctx context.Context, now schema.Instant) (done archive.Upkeep, err error) {
	if done.Moved, err = upkeep.CompactSome(ctx, s.Writer, now); err != nil && !errors.Is(err, archive.ErrNoSpace) {
		return done, err
	}
	clear(s.entities) // pruning may delete some
	deleted, pruneErr := upkeep.PruneSome(ctx, s.Writer, now)
	done.Deleted = deleted
	return done, errors.Join(err, pruneErr)
}

// Settle moves all closed hours and makes all due rollups.
func (s *Store) Settle(ctx context.Context, now schema.Instant) error {
	return upkeep.Settle(ctx, s.Writer, now)
}

// Options are the options of [Open].
type Options = conn.Options

// Migration is the progress of an archive's migration.
type Migration = conn.Migration

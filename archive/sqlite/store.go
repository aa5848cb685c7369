package sqlite

import (
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// Store is an archive open for writing by passes. It holds the archive's kernel
// lock from [Open] to Close: keep it for one pass, not for a process's life. Use
// it from one goroutine.
type Store struct {
	*conn.Writer
	// What the file holds, as far as it was needed.
	entities map[entityKey]int64
	metrics  map[schema.MetricName]int64
}

// Open opens the archive for a pass, as [conn.OpenWriter] does.
func Open(ctx context.Context, path string, opts conn.Options) (*Store, error) {
	w, err := conn.OpenWriter(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	s := &Store{Writer: w}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(conn.Explain(path, err), w.Close())
	}
	return s, nil
}

// Upkeep compacts and prunes as much as each pass can bear: see
// [upkeep.CompactSome] and [upkeep.PruneSome]. It prunes also where compaction
// finds too little space.
func (s *Store) Upkeep(ctx context.Context, now schema.Instant) (done archive.Upkeep, err error) {
	if done.Moved, err = upkeep.CompactSome(ctx, s.Writer, now); err != nil && !errors.Is(err, archive.ErrNoSpace) {
		return done, err
	}
	clear(s.entities) // one of them may be pruned
	deleted, pruneErr := upkeep.PruneSome(ctx, s.Writer, now)
	done.Deleted = deleted
	return done, errors.Join(err, pruneErr)
}

// Options set how a [Store] is opened.
type Options = conn.Options

// Migration tells how far the migration of an archive is.
type Migration = conn.Migration

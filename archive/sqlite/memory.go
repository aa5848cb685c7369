package sqlite

import (
	"context"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/read"
	"heapstash/schema"
)

const selectMetrics = `SELECT name, id FROM metric`

// load reads the ids of all metrics.
func (s *Store) load(ctx context.Context) (err error) {
	s.entities = make(map[entityKey]int64)
	s.metrics, err = conn.Map[schema.MetricName, int64](ctx, s.DB, selectMetrics)
	return err
}

// Memory implements [collect.Store].
func (s *Store) Memory(ctx context.Context, cluster string) (archive.Memory, error) {
	m, err := read.Memory(ctx, s.DB, cluster, func(id int64, e schema.Entity) { s.entities[entityKey{cluster, e}] = id })
	return m, conn.WithRemedy(s.Path, err)
}

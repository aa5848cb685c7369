package sqlite

import (
	"context"
	"database/sql"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/read"
	"heapstash/schema"
)

const selectMetrics = `SELECT id, name FROM metric`

// load reads the ids of all metrics.
func (s *Store) load(ctx context.Context) error {
	s.entities = make(map[entityKey]int64)
	s.metrics = make(map[schema.MetricName]int64)
	return conn.Each(ctx, s.DB, func(rows *sql.Rows) error {
		var id int64
		var name schema.MetricName
		err := rows.Scan(&id, &name)
		s.metrics[name] = id
		return err
	}, selectMetrics)
}

// Memory implements [collect.Store].
func (s *Store) Memory(ctx context.Context, cluster string) (archive.Memory, error) {
	m, err := read.Memory(ctx, s.DB, cluster, func(id int64, e schema.Entity) { s.entities[entityKey{cluster, e}] = id })
	return m, conn.WithRemedy(s.Path, err)
}

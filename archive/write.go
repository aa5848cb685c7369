package archive

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"heapstash/schema"
)

// Write stores the batch in one transaction, whole or not at all. A sample
// that the archive has already is not written again: the first value stays,
// and a differing one is counted and kept as a conflict, unless one of the two
// is the other as Heapster truncates it; then the exact one stays. The error
// wraps [schema.ErrNoSpace] where [Options].MinFree forbids it.
func (s *Store) Write(ctx context.Context, b schema.Batch) (schema.Written, error) {
	if err := errors.Join(s.locked(), checkSpace(s.path, s.opts.MinFree, 0)); err != nil {
		return schema.Written{}, err
	}
	var w *writer
	err := inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		w = newWriter(ctx, s, tx, b)
		return w.write(b)
	})
	if err != nil {
		return schema.Written{}, explain(s.path, err)
	}
	// What the transaction added exists only now.
	maps.Copy(s.entities, w.entities)
	maps.Copy(s.metrics, w.metrics)
	return w.written, s.unmoved()
}

// entityKey names an entity across clusters.
type entityKey struct {
	cluster string
	entity  schema.Entity
}

// writer writes one batch within one transaction.
type writer struct {
	prepared
	caller context.Context // may be cancelled, and is looked at between steps

	*Store
	pass    schema.PassID
	cluster string
	written schema.Written

	// What this transaction added to the store's maps of the same name.
	entities map[entityKey]int64
	metrics  map[schema.MetricName]int64
}

func newWriter(ctx context.Context, s *Store, tx *sql.Tx, b schema.Batch) *writer {
	return &writer{
		prepared: prepare(ctx, tx),
		caller:   ctx,
		Store:    s,
		pass:     b.Pass,
		cluster:  b.Cluster,
		entities: make(map[entityKey]int64),
		metrics:  make(map[schema.MetricName]int64),
	}
}

func (w *writer) write(b schema.Batch) error {
	if err := w.remember(b); err != nil {
		return err
	}
	wide, narrow, err := w.route(b.Rows)
	if err != nil {
		return err
	}
	for _, t := range w.layout.tables {
		if err := w.caller.Err(); err != nil {
			return err
		}
		if err := w.mergeWide(t, wide[t]); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if err := w.mergeNarrow(narrow); err != nil {
		return err
	}
	if err := recordHoles(w.ctx, w.tx, b.Pass, b.Cluster, b.Holes); err != nil {
		return err
	}
	if err := w.exec(addStored, w.written.New, w.written.Duplicates, w.written.Conflicts, b.Pass); err != nil {
		return err
	}
	return w.caller.Err()
}

// rowKey is where a row stands in a wide table. Sorted, rows are appended to a
// hot table in its own order.
type rowKey struct {
	at     schema.Instant
	entity int64
}

func (k rowKey) compare(other rowKey) int {
	return cmp.Or(cmp.Compare(k.at, other.at), cmp.Compare(k.entity, other.entity))
}

// placed is a row whose entity has an id.
type placed struct {
	rowKey
	row *schema.Row
}

// narrowSample is a sample without a column.
type narrowSample struct {
	rowKey
	metric int64
	value  schema.Value
}

// route sorts the rows by the tables that their readings belong to. A row
// whose readings belong to several, as those of a resource that is a file
// system and a disk, is in the list of each.
func (w *writer) route(rows []schema.Row) (map[*table][]placed, []narrowSample, error) {
	wide := make(map[*table][]placed)
	var narrow []narrowSample
	for i := range rows {
		row := &rows[i]
		if row.At <= 0 || len(row.Readings) == 0 {
			continue
		}
		id, err := w.entityID(row.Entity, row.At)
		if err != nil {
			return nil, nil, err
		}
		key := rowKey{row.At, id}
		var routed []*table
		for _, r := range row.Readings {
			t, _ := w.layout.place(row.Entity, r.Metric)
			if t == nil {
				metric, err := w.metricID(r.Metric)
				if err != nil {
					return nil, nil, err
				}
				narrow = append(narrow, narrowSample{key, metric, r.Value})
			} else if !slices.Contains(routed, t) {
				routed = append(routed, t)
				wide[t] = append(wide[t], placed{key, row})
			}
		}
	}
	for _, rows := range wide {
		slices.SortStableFunc(rows, func(a, b placed) int { return a.compare(b.rowKey) })
	}
	slices.SortStableFunc(narrow, func(a, b narrowSample) int {
		return cmp.Or(a.compare(b.rowKey), cmp.Compare(a.metric, b.metric))
	})
	return wide, narrow, nil
}

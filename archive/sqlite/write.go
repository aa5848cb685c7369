package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Write stores the batch in one transaction, completely or not at all. A stored sample is
// not written again: the first value remains, and a different one is counted and stored as
// a conflict. If one value is the other as Heapster truncates it, the exact one remains
// instead. Late samples of days in the lake meet the lake's values in the same way. The
// error wraps [archive.ErrNoSpace] if [conn.Options].MinFree forbids
// writing.
func (s *Store) Write(ctx context.Context, b archive.Batch) (archive.Written, error) {
	if err := errors.Join(s.CheckLock(), dbfile.CheckSpace(s.Path, s.Options.MinFree, 0)); err != nil {
		return archive.Written{}, err
	}
	var w *writer
	err := conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		w = newWriter(ctx, s, tx, b)
		return w.write(b)
	})
	if err != nil {
		return archive.Written{}, conn.WithRemedy(s.Path, err)
	}
	// The new ids are valid only after the commit.
	maps.Copy(s.entities, w.entities)
	maps.Copy(s.metrics, w.metrics)
	return w.written, s.CheckPath()
}

// entityKey identifies an entity of any cluster.
type entityKey struct {
	cluster string
	entity  schema.Entity
}

// writer writes one batch in one transaction.
type writer struct {
	*conn.Prepared
	caller context.Context // may be cancelled; checked between tables

	*Store
	pass    archive.PassID
	cluster string
	written archive.Written

	// Ids that this transaction added; see the fields of Store.
	entities map[entityKey]int64
	metrics  map[schema.MetricName]int64
}

func newWriter(ctx context.Context, s *Store, tx *sql.Tx, b archive.Batch) *writer {
	return &writer{
		Prepared: conn.Prepare(ctx, tx),
		caller:   ctx,
		Store:    s,
		pass:     b.Pass,
		cluster:  b.Cluster,
		entities: make(map[entityKey]int64),
		metrics:  make(map[schema.MetricName]int64),
	}
}

func (w *writer) write(b archive.Batch) error {
	w.remember(b)
	rows, err := w.withoutShipped(b.Rows)
	if err != nil {
		return err
	}
	wide, narrow := w.route(rows)
	for _, t := range w.Layout.Tables {
		if err := cmp.Or(w.caller.Err(), w.Err()); err != nil {
			return err
		}
		if err := w.mergeWide(t, wide[t]); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	w.mergeNarrow(narrow)
	recordHoles(w.Prepared, b.Pass, b.Cluster, b.Holes)
	w.Exec(conn.AddStored, w.written.New, w.written.Duplicates, w.written.Conflicts, b.Pass)
	return cmp.Or(w.Err(), w.caller.Err())
}

// keyedRow is a row with the id of its entity.
type keyedRow struct {
	tables.RowKey
	row *schema.Row
}

// narrowSample is a sample without a column.
type narrowSample struct {
	tables.RowKey
	metric int64
	value  schema.Value
}

// route groups the rows by table. A row whose readings belong to several tables, such as a
// resource that is a file system and a disk, is in the list of each.
func (w *writer) route(rows []schema.Row) (map[*tables.Table][]keyedRow, []narrowSample) {
	wide := make(map[*tables.Table][]keyedRow)
	var narrow []narrowSample
	for i := range rows {
		row := &rows[i]
		if row.At <= 0 || len(row.Readings) == 0 {
			continue
		}
		key := tables.RowKey{At: row.At, Entity: w.entityID(row.Entity, row.At)}
		var routed []*tables.Table
		for _, r := range row.Readings {
			t, _ := w.Layout.Find(row.Entity, r.Metric)
			if t == nil {
				narrow = append(narrow, narrowSample{key, w.metricID(r.Metric), r.Value})
			} else if !slices.Contains(routed, t) {
				routed = append(routed, t)
				wide[t] = append(wide[t], keyedRow{key, row})
			}
		}
	}
	for _, rows := range wide {
		slices.SortStableFunc(rows, func(a, b keyedRow) int { return a.Compare(b.RowKey) })
	}
	slices.SortStableFunc(narrow, func(a, b narrowSample) int {
		return cmp.Or(a.Compare(b.RowKey), cmp.Compare(a.metric, b.metric))
	})
	return wide, narrow
}

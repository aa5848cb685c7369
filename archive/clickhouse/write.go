package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// rounds is how often a write is repaired while other passes of the cluster write.
const rounds = 5

// Write stores the batch: rows first, then what is known of them, then watermarks, then
// the ledger. A stored sample is not written again: the first value remains, and a
// different one is counted and stored as a conflict. If one value is the other as Heapster
// truncates it, the exact one remains instead. If it fails, some rows are stored; if it
// succeeds only at another try, some new samples are counted as duplicates.
func (s *Store) Write(ctx context.Context, b archive.Batch) (written archive.Written, err error) {
	err = s.retry(ctx, func() (err error) {
		if written, err = s.write(ctx, b); err != nil {
			// It is not known what was written.
			delete(s.clusters, b.Cluster)
			clear(s.metrics)
		}
		return err
	})
	return written, err
}

// writer writes one batch.
type writer struct {
	*Store
	ctx     context.Context
	cluster string
	pass    archive.PassID
	known   *known
	drafts  drafts
	written archive.Written
	repair  bool // after the first round: samples are counted already
	changed int  // rows written in this round
	touched map[*tables.Table]bool
}

func (s *Store) write(ctx context.Context, b archive.Batch) (archive.Written, error) {
	own, err := s.find(ctx, b.Pass)
	if err != nil {
		return archive.Written{}, err
	}
	w := &writer{
		Store: s, ctx: ctx, cluster: b.Cluster, pass: b.Pass, known: s.of(b.Cluster), drafts: make(drafts),
		touched: make(map[*tables.Table]bool),
	}
	if err := w.remember(b); err != nil {
		return archive.Written{}, err
	}
	wide, narrow := w.route(b.Rows)
	for round := 0; ; round++ {
		if round == rounds {
			return archive.Written{}, errUnstable
		}
		w.repair, w.changed = round > 0, 0
		for _, t := range s.conn.Layout.Wide {
			if err := w.mergeAll(t, wide[t]); err != nil {
				return archive.Written{}, fmt.Errorf("%s: %w", t.Name, err)
			}
		}
		if err := w.mergeAll(s.conn.Layout.Narrow, narrow); err != nil {
			return archive.Written{}, fmt.Errorf("narrow: %w", err)
		}
		if w.changed == 0 {
			break
		}
		// Another pass may have replaced a row that this one has written.
		rivals, err := s.rivals(ctx, own)
		if err != nil {
			return archive.Written{}, err
		}
		if !rivals {
			break
		}
	}
	if err := s.settle(ctx, slicesOf(w.touched)...); err != nil {
		return archive.Written{}, err
	}
	if err := s.putHoles(ctx, w.drafts, b.Pass, b.Cluster, b.Holes); err != nil {
		return archive.Written{}, err
	}
	next := *own
	next.added += int64(w.written.New)
	next.duplicates += int64(w.written.Duplicates)
	next.conflicts += int64(w.written.Conflicts)
	next.alive = time.Now().Unix()
	w.drafts.put(s.conn.Layout.Pass, next.values()...)
	if err := w.insertRemembered(ctx, s.conn); err != nil {
		return archive.Written{}, err
	}
	*own = next
	return w.written, nil
}

func slicesOf(set map[*tables.Table]bool) (all []*tables.Table) {
	for t := range set {
		all = append(all, t)
	}
	return all
}

// cellKey identifies a row of a table of samples. The metric is set in narrow only.
type cellKey struct {
	entity schema.Entity
	metric schema.MetricName
	at     schema.Instant
}

func (k cellKey) compare(other cellKey) int {
	return cmp.Or(cmp.Compare(k.metric, other.metric), k.entity.Compare(other.entity), cmp.Compare(k.at, other.at))
}

// newRow is a row of a batch, for one table.
type newRow struct {
	cellKey
	row   *schema.Row  // for a wide table
	value schema.Value // for narrow
}

// route groups the rows by table. A row whose readings belong to several tables, such as
// a resource that is a file system and a disk, is in the list of each.
func (w *writer) route(rows []schema.Row) (map[*tables.Table][]newRow, []newRow) {
	wide := make(map[*tables.Table][]newRow)
	var narrow []newRow
	for i := range rows {
		row := &rows[i]
		if row.At <= 0 || len(row.Readings) == 0 {
			continue
		}
		w.see(row.Entity, row.At)
		var routed []*tables.Table
		for _, r := range row.Readings {
			t, _ := w.conn.Layout.Find(row.Entity, r.Metric)
			switch {
			case t == nil:
				w.learn(r.Metric)
				narrow = append(narrow, newRow{cellKey{row.Entity, r.Metric, row.At}, nil, r.Value})
			case !slices.Contains(routed, t):
				routed = append(routed, t)
				wide[t] = append(wide[t], newRow{cellKey{row.Entity, "", row.At}, row, schema.Value{}})
			}
		}
	}
	return wide, narrow
}

// chunkSize bounds the rows that are merged, and in memory, at once.
const chunkSize = 8192

// chunks sorts the list and calls f for parts of it, in order.
func chunks[T any](all []T, compare func(a, b T) int, f func([]T) error) error {
	slices.SortStableFunc(all, compare)
	for part := range slices.Chunk(all, chunkSize) {
		if err := f(part); err != nil {
			return err
		}
	}
	return nil
}

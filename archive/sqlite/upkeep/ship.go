package upkeep

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

const (
	// shipSamples is how many samples are written to the lake at a time. It limits the
	// size of a part, the memory, and the time for which the archive is locked.
	shipSamples = 1_000_000
	// compareRows is how many rows are compared with the lake, and deleted, at a time.
	compareRows = 40_000
)

// shipping is how far the raw rows of a day, a table, a cluster and a kind are on their way
// to the lake. All rows are written to the lake; then the day is noted; then the rows are
// deleted. So the day is whole in the archive or whole in the lake at any moment. Rows are
// deleted under the lock under which they were compared with the lake, so rows that came
// meanwhile are added first.
type shipping struct {
	archive.LakeDay
	Kind  schema.Kind    `json:"kind"`
	Until schema.Instant `json:"until"` // not included: the end of the day, or the cutoff
	Noted bool           `json:"noted"`
	// After is the last entity that was written, or deleted; nil for none.
	After *schema.Entity `json:"after,omitempty"`
}

// shipRows writes some raw rows older than the cutoffs to the lake, or deletes some that
// are there. The error wraps [archive.ErrLake] or [archive.ErrLocked] if the lake is at
// fault.
func shipRows(ctx context.Context, s *conn.Writer, d *deletion) error {
	if d.Shipping == nil {
		next, err := nextShipping(ctx, s, d.cutoffs)
		if err != nil {
			return err
		}
		return d.commit(ctx, s.DB, func() {
			if d.Shipping = next; next == nil {
				d.next(stageEntities)
			}
		})
	}
	now := *d.Shipping
	if now.Noted {
		return deleteShipped(ctx, s, d, now)
	}
	c, err := keepRows(ctx, s, now, shipSamples, 0)
	if err != nil {
		return err
	}
	d.cost += c.rows
	return d.commit(ctx, s.DB, func() {
		recordConflicts(d, now.Cluster, c.conflicts)
		now.After = c.after()
		if c.last {
			now.Noted, now.After = true, nil
			note(d, now)
		}
		d.Shipping = &now
	})
}

// deleteShipped deletes some rows that are in the lake.
func deleteShipped(ctx context.Context, s *conn.Writer, d *deletion, now shipping) error {
	c, err := keepRows(ctx, s, now, shipSamples, compareRows)
	if err != nil {
		return err
	}
	sum := newPruned(s.Path)
	for done := false; !done; {
		one := deletion{cutoffs: d.cutoffs, progress: d.progress} // a transaction
		err := one.commit(ctx, s.DB, func() {
			one.cost = entityCost
			recordConflicts(&one, now.Cluster, c.conflicts)
			c.conflicts = nil
			for len(c.entities) > 0 && !one.full() {
				e := c.entities[0]
				one.deleteDay(s.Rollups[now.Table], now, e)
				now.After, c.entities = &e, c.entities[1:]
			}
			if done = len(c.entities) == 0; done && c.last {
				one.Shipping = nil
				return
			}
			next := now
			one.Shipping = &next
		})
		if err != nil {
			return err
		}
		one.counts.addTo(sum)
		d.progress, d.cost = one.progress, d.cost+one.cost
	}
	d.counts = *sum
	return nil
}

// kept is some rows of a day that are in the lake.
type kept struct {
	entities  []schema.Entity
	rows      int64 // about
	conflicts []archive.Conflict
	last      bool // the day has no more
}

// after returns the last entity.
func (k kept) after() *schema.Entity {
	if len(k.entities) == 0 {
		return nil
	}
	return &k.entities[len(k.entities)-1]
}

// keepRows makes sure that the lake has the rows of the next entities: at least one entity,
// and no more when there are so many samples or, unless it is zero, rows.
func keepRows(ctx context.Context, s *conn.Writer, now shipping, maxSamples, maxRows int64) (k kept, err error) {
	samples, err := read.OpenSamples(ctx, &conn.Reader{Path: s.Path, DB: s.DB})
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, samples.Close()) }()
	var after *archive.Series
	if now.After != nil {
		after = &archive.Series{Cluster: now.Cluster, Entity: *now.After}
	}
	selection := archive.Selection{
		Filter: archive.Filter{Clusters: []string{schema.Verbatim(now.Cluster)}},
		Kinds:  []schema.Kind{now.Kind}, Window: schema.Window{From: now.Day, To: now.Until - 1}, Shown: true,
	}
	var failed error // of reading
	var count int64
	series := func(yield func(*archive.Series, error) bool) {
		for one, err := range samples.Table(ctx, now.Table, after, selection) {
			if failed = err; err != nil {
				yield(nil, err)
				return
			}
			if count >= maxSamples || maxRows > 0 && k.rows >= maxRows {
				return
			}
			k.entities = append(k.entities, one.Entity)
			all := one.Samples
			one.Samples = func(yield func(archive.Sample) bool) {
				var at schema.Instant
				for sample := range all {
					if sample.At != at {
						at = sample.At
						k.rows++
					}
					count++
					if !yield(sample) {
						return
					}
				}
			}
			if !yield(one, nil) {
				return
			}
		}
		k.last = true
	}
	k.conflicts, err = s.Options.Lake.Keep(ctx, now.LakeDay, iter.Seq2[*archive.Series, error](series))
	switch {
	case err == nil:
		return k, nil
	case failed != nil || ctx.Err() != nil || errors.Is(err, archive.ErrLocked):
		return k, err
	default:
		return k, fmt.Errorf("%w: %w", archive.ErrLake, err)
	}
}

// deleteDay deletes an entity's rows of the day.
func (d *deletion) deleteDay(r *tables.Rollup, now shipping, e schema.Entity) {
	id := d.entityID(now.Cluster, e)
	d.EachSeries(r, archive.Raw, id, func(series []any) {
		args := append(series[:len(series):len(series)], now.Day, now.Until-1)
		d.samples += d.Number(r.ValuesIn, args...)
		rows := d.Change(r.RemoveIn, args...)
		d.cost += rows
		d.counts.Rows[cutoffKey{archive.Raw, e.Kind}.String()] += rows
	})
}

const selectOwners = `SELECT id, cluster, kind, labels <> '' FROM entity`

// entityID returns the id of an entity, which is there.
func (d *deletion) entityID(cluster string, e schema.Entity) (id int64) {
	if !d.One(conn.SelectEntityID, []any{&id}, e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels, cluster) {
		d.Fail(sql.ErrNoRows)
	}
	return id
}

// recordConflicts adds to the ledger the samples that the lake has with another value.
// Passes meet most of them; these came when the lake could not be read.
func recordConflicts(d *deletion, cluster string, conflicts []archive.Conflict) {
	for _, c := range conflicts {
		d.counts.LakeConflicts += d.Change(conn.InsertMetConflict, d.entityID(cluster, c.Entity), c.Metric, c.At, tables.BindValue(c.Kept), tables.BindValue(c.Refused))
	}
}

// note records that the lake has the day's rows. It joins spans between which there is no
// other day, so that a day without rows is in no span.
func note(d *deletion, now shipping) {
	all, err := conn.InLake(d.Ctx, d.Tx)
	d.Fail(err)
	span := archive.LakeSpan{Cluster: now.Cluster, Table: now.Table, Kind: now.Kind, From: now.Day, Until: now.Until}
	apart := slices.DeleteFunc(all, func(there archive.LakeSpan) bool {
		if there.Cluster != span.Cluster || there.Table != span.Table || there.Kind != span.Kind || span.From > endOfDay(there.Until) || there.From > endOfDay(span.Until) {
			return false
		}
		span.From, span.Until = min(there.From, span.From), max(there.Until, span.Until)
		return true
	})
	apart = append(apart, span)
	slices.SortFunc(apart, func(a, b archive.LakeSpan) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.From, b.From))
	})
	d.SetInLake(apart)
}

// endOfDay returns the end of the day of a span's end, not included.
func endOfDay(until schema.Instant) schema.Instant {
	return archive.Daily.Begin(until-1) + tables.SecondsOf(archive.Daily)
}

// nextShipping returns the oldest day with rows older than the cutoffs, nil if there is
// none.
func nextShipping(ctx context.Context, s *conn.Writer, cut cutoffs) (next *shipping, err error) {
	type owner struct {
		id       int64
		cluster  string
		kind     schema.Kind
		labelled bool
	}
	err = conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		in := conn.Prepare(ctx, tx)
		owners, err := conn.List(in.Ctx, tx, func(o *owner) []any {
			return []any{&o.id, &o.cluster, tables.ScanKind{Kind: &o.kind}, &o.labelled}
		}, selectOwners)
		if err != nil {
			return err
		}
		for _, o := range owners {
			cutoff, limited := cut[cutoffKey{archive.Raw, o.kind}]
			if err := ctx.Err(); err != nil {
				return err
			}
			for _, r := range s.Rollups {
				if !limited || !r.Has(o.kind, o.labelled) {
					continue
				}
				in.EachSeries(r, archive.Raw, o.id, func(series []any) {
					first := schema.Instant(in.Number(r.Oldest[archive.Raw], series...))
					if first == 0 || first >= cutoff {
						return
					}
					day := archive.Daily.Begin(first)
					one := &shipping{LakeDay: archive.LakeDay{Table: r.Table, Cluster: o.cluster, Day: day}, Kind: o.kind,
						Until: min(cutoff, day+tables.SecondsOf(archive.Daily))}
					if next == nil || one.compare(next) < 0 {
						next = one
					}
				})
			}
		}
		return in.Err()
	})
	return next, err
}

// compare orders by day first.
func (s *shipping) compare(other *shipping) int {
	return cmp.Or(cmp.Compare(s.Day, other.Day), cmp.Compare(s.Table, other.Table), cmp.Compare(s.Kind, other.Kind), cmp.Compare(s.Cluster, other.Cluster))
}

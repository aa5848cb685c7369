package upkeep

import (
	"context"
	"errors"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

const (
	selectEntities   = `SELECT id, kind, labels <> '', ifnull(last_seen, 0) FROM entity WHERE id > ? ORDER BY id LIMIT 500`
	deleteConflicts  = `DELETE FROM conflict WHERE entity_id = ? AND ts < ?`
	deleteIdentities = `DELETE FROM pod_identity WHERE entity_id = ? AND valid_to < ?`
	entityIsReferred = `SELECT EXISTS (SELECT 1 FROM conflict WHERE entity_id = ?1)
		OR EXISTS (SELECT 1 FROM pod_identity WHERE entity_id = ?1)`
	deleteCarried = `DELETE FROM carried WHERE entity_id = ?`
	deleteEntity  = `DELETE FROM entity WHERE id = ?`
)

type oldEntity struct {
	id       int64
	kind     schema.Kind
	labelled bool
	lastSeen schema.Instant // None while Heapster lists the entity
}

// pruneEntities prunes the next entities: their cold samples, conflicts and identities,
// and the entity itself if nothing refers to it. After compaction, hot samples are younger
// than any cutoff.
func pruneEntities(ctx context.Context, s *conn.Writer, d *deletion) error {
	var hot map[int64]bool // read when needed
	return d.commit(ctx, s.DB, func() error {
		list, err := conn.List(d.Ctx, d.Tx, func(e *oldEntity) []any {
			return []any{&e.id, tables.ScanKind{Kind: &e.kind}, &e.labelled, &e.lastSeen}
		}, selectEntities, d.Last)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			d.next(stageScopes)
			return nil
		}
		for _, e := range list {
			if d.full() {
				return nil
			}
			d.cost += entityCost
			if !d.limits(e.kind) {
				d.Last = e.id
				continue
			}
			empty, err := pruneSamples(s, d, e)
			if err != nil {
				return err
			}
			if d.full() {
				return nil // the next transaction examines the entity again
			}
			cutoff := d.cutoffs[cutoffKey{archive.Raw, e.kind}]
			if err := d.pruneConflictsAndIdentities(e, cutoff); err != nil {
				return err
			}
			d.Last = e.id
			if !empty || e.lastSeen == 0 || e.lastSeen >= cutoff {
				continue
			}
			if hot == nil {
				if hot, err = hotEntities(s, d); err != nil {
					return err
				}
			}
			if hot[e.id] {
				continue
			}
			if err := d.deleteUnused(e.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// limits reports whether any level of the kind has a cutoff.
func (c cutoffs) limits(kind schema.Kind) bool {
	for _, level := range archive.Levels() {
		if _, limited := c[cutoffKey{level, kind}]; limited {
			return true
		}
	}
	return false
}

// errFull stops pruneSamples when the deletion is full.
var errFull = errors.New("the transaction is full")

// pruneSamples deletes the entity's rows at every level until the deletion is full. It
// reports whether the entity has no cold rows left.
func pruneSamples(s *conn.Writer, d *deletion, e oldEntity) (empty bool, err error) {
	empty = true
	for _, r := range s.Rollups {
		if !r.Has(e.kind, e.labelled) {
			continue
		}
		for _, level := range archive.Levels() {
			err := d.EachSeries(r, level, e.id, func(series []any) error {
				prune := d.pruneSeries
				if level == archive.Raw && s.Options.Lake != nil {
					prune = d.isBare // stageLake deletes raw rows
				}
				bare, err := prune(r, cutoffKey{level, e.kind}, series)
				empty = empty && bare
				if err == nil && d.full() {
					err = errFull
				}
				return err
			})
			if errors.Is(err, errFull) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
		}
	}
	return empty, nil
}

// pruneSeries deletes rows of one series at one level, raw rows day by day. It reports
// whether no rows are left.
func (d *deletion) pruneSeries(r *tables.Rollup, key cutoffKey, series []any) (empty bool, err error) {
	cutoff := d.cutoffs[key]
	for !d.full() {
		var first schema.Instant
		if err := d.One(r.Oldest[key.level], &first, series...); err != nil {
			return false, err
		}
		if first == 0 || first >= cutoff {
			return first == 0, nil
		}
		until := cutoff
		if key.level == archive.Raw {
			until = min(cutoff, archive.Daily.Begin(first)+tables.SecondsOf(archive.Daily))
		}
		args := append(series[:len(series):len(series)], until)
		if key.level == archive.Raw {
			var samples int64
			if err := d.One(r.Values, &samples, args...); err != nil {
				return false, err
			}
			d.samples += samples
		}
		rows, err := d.Change(r.Remove[key.level], args...)
		if err != nil {
			return false, err
		}
		d.cost += rows
		d.counts.Rows[key.String()] += rows
	}
	return false, nil
}

// isBare reports whether a series has no rows at a level.
func (d *deletion) isBare(r *tables.Rollup, key cutoffKey, series []any) (empty bool, err error) {
	var first schema.Instant
	err = d.One(r.Oldest[key.level], &first, series...)
	return first == 0, err
}

// pruneConflictsAndIdentities deletes old conflicts and identities of an entity.
// Containers use the identities too, so they are kept as long as any rows.
func (d *deletion) pruneConflictsAndIdentities(e oldEntity, cutoff schema.Instant) error {
	conflicts, err := d.Change(deleteConflicts, e.id, cutoff)
	if err != nil {
		return err
	}
	d.cost += conflicts
	d.counts.Conflicts += conflicts
	all := d.earliest(archive.Levels()...)
	if e.kind != schema.Pod || all == 0 {
		return nil
	}
	identities, err := d.Change(deleteIdentities, e.id, all)
	d.counts.Identities += identities
	return err
}

// deleteUnused deletes an entity without samples if it has no conflicts or identities.
func (d *deletion) deleteUnused(id int64) error {
	var referred bool
	if err := d.One(entityIsReferred, &referred, id); err != nil || referred {
		return err
	}
	if err := d.Exec(deleteCarried, id); err != nil {
		return err
	}
	d.counts.Entities++
	return d.Exec(deleteEntity, id)
}

// hotEntities returns the entities that have hot samples. They are few, and no index finds
// them by entity.
func hotEntities(s *conn.Writer, d *deletion) (map[int64]bool, error) {
	found := make(map[int64]bool)
	for _, pair := range s.Layout.Pairs() {
		ids, err := conn.Column[int64](d.Ctx, d.Tx, pair.HotEntities)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			found[id] = true
		}
	}
	return found, nil
}

package upkeep

import (
	"context"
	"maps"

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
	return d.commit(ctx, s.DB, func() {
		list, err := conn.List(d.Ctx, d.Tx, func(e *oldEntity) []any {
			return []any{&e.id, tables.ScanKind{Kind: &e.kind}, &e.labelled, &e.lastSeen}
		}, selectEntities, d.Last)
		if d.Fail(err); err == nil && len(list) == 0 {
			d.next(stageScopes)
		}
		for _, e := range list {
			if d.full() {
				return
			}
			d.cost += entityCost
			if !d.limits(e.kind) {
				d.Last = e.id
				continue
			}
			empty := pruneSamples(s, d, e)
			if d.full() {
				return // the next transaction examines the entity again
			}
			cutoff := d.cutoffs[cutoffKey{archive.Raw, e.kind}]
			d.pruneConflictsAndIdentities(e, s.Options.Lake != nil)
			d.Last = e.id
			if !empty || e.lastSeen == 0 || e.lastSeen >= cutoff {
				continue
			}
			if hot == nil {
				hot = hotEntities(s, d)
			}
			if !hot[e.id] {
				d.deleteUnused(e.id)
			}
		}
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

// pruneSamples deletes the entity's rows at every level until the deletion is full. It
// reports whether the entity has no cold rows left.
func pruneSamples(s *conn.Writer, d *deletion, e oldEntity) (empty bool) {
	empty = true
	for _, r := range s.Rollups {
		if !r.Has(e.kind, e.labelled) {
			continue
		}
		for _, level := range archive.Levels() {
			prune := d.pruneSeries
			if level == archive.Raw && s.Options.Lake != nil {
				prune = d.isBare // stageLake deletes raw rows
			}
			d.EachSeries(r, level, e.id, func(series []any) {
				empty = prune(r, cutoffKey{level, e.kind}, series) && empty
			})
		}
	}
	return empty
}

// pruneSeries deletes rows of one series at one level, raw rows day by day, until the
// deletion is full. It reports whether no rows are left.
func (d *deletion) pruneSeries(r *tables.Rollup, key cutoffKey, series []any) (empty bool) {
	cutoff := d.cutoffs[key]
	for !d.full() {
		first := schema.Instant(d.Number(r.Oldest[key.level], series...))
		if first == 0 || first >= cutoff {
			return first == 0
		}
		until := cutoff
		if key.level == archive.Raw {
			until = min(cutoff, archive.Daily.Begin(first)+tables.SecondsOf(archive.Daily))
		}
		args := append(series[:len(series):len(series)], until)
		if key.level == archive.Raw {
			d.samples += d.Number(r.Values, args...)
		}
		rows := d.Change(r.Remove[key.level], args...)
		d.cost += rows
		d.counts.Rows[key.String()] += rows
	}
	return false
}

// isBare reports whether a series has no rows at a level.
func (d *deletion) isBare(r *tables.Rollup, key cutoffKey, series []any) (empty bool) {
	return d.Number(r.Oldest[key.level], series...) == 0
}

// pruneConflictsAndIdentities deletes old conflicts and identities of an entity.
// Containers use the identities too, so they are kept as long as any rows. So are the
// conflicts of raw rows in a lake.
func (d *deletion) pruneConflictsAndIdentities(e oldEntity, lake bool) {
	all := d.earliest(archive.Levels()...)
	cutoff := d.cutoffs[cutoffKey{archive.Raw, e.kind}]
	if lake {
		cutoff = all
	}
	conflicts := d.Change(deleteConflicts, e.id, cutoff)
	d.cost += conflicts
	d.counts.Conflicts += conflicts
	if e.kind == schema.Pod && all != 0 {
		d.counts.Identities += d.Change(deleteIdentities, e.id, all)
	}
}

// deleteUnused deletes an entity without samples if it has no conflicts or identities.
func (d *deletion) deleteUnused(id int64) {
	if d.Number(entityIsReferred, id) != 0 {
		return
	}
	d.Exec(deleteCarried, id)
	d.Exec(deleteEntity, id)
	d.counts.Entities++
}

// hotEntities returns the entities that have hot samples. They are few, and no index finds
// them by entity.
func hotEntities(s *conn.Writer, d *deletion) map[int64]bool {
	found := make(map[int64]bool)
	for _, pair := range s.Layout.Pairs() {
		hot, err := conn.Map[int64, bool](d.Ctx, d.Tx, pair.HotEntities)
		d.Fail(err)
		maps.Copy(found, hot)
	}
	return found
}

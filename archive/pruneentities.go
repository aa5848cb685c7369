package archive

import (
	"context"
	"database/sql"

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

	narrowMetricAfter  = `SELECT ifnull(min(metric_id), 0) FROM narrow_cold WHERE entity_id = ? AND metric_id > ?`
	oldestNarrowOf     = `SELECT ifnull(min(ts), 0) FROM narrow_cold WHERE entity_id = ? AND metric_id = ?`
	deleteNarrowBefore = `DELETE FROM narrow_cold WHERE entity_id = ? AND metric_id = ? AND ts < ?`
)

// oldEntity is an entity that pruning looks at.
type oldEntity struct {
	id       int64
	kind     schema.Kind
	labelled bool
	lastSeen schema.Instant // None while Heapster lists it
}

// pruneEntities goes on with the entities after the last one: with their cold
// samples, conflicts and identities, and with themselves where nothing is left
// that refers to them. Hot samples are younger than any cutoff, once compaction
// has passed.
func (s *Store) pruneEntities(ctx context.Context, work *slice) error {
	var hot map[int64]bool // looked for when needed
	return work.commit(ctx, s.db, func() error {
		var list []oldEntity
		err := each(work.ctx, work.tx, func(rows *sql.Rows) error {
			var e oldEntity
			err := rows.Scan(&e.id, scanKind{&e.kind}, &e.labelled, &e.lastSeen)
			list = append(list, e)
			return err
		}, selectEntities, work.Last)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			work.next(pruneScopes)
			return nil
		}
		for _, e := range list {
			if work.full() {
				return nil
			}
			work.effort += entityEffort
			cutoff, limited := work.cutoffs[e.kind]
			if !limited {
				work.Last = e.id
				continue
			}
			empty, err := s.pruneSamples(work, e, cutoff)
			if err != nil {
				return err
			}
			if work.full() {
				return nil // the entity is looked at again
			}
			if err := work.pruneNotes(e, cutoff); err != nil {
				return err
			}
			work.Last = e.id
			if !empty || e.lastSeen == 0 || e.lastSeen >= cutoff {
				continue
			}
			if hot == nil {
				if hot, err = s.hotEntities(work); err != nil {
					return err
				}
			}
			if hot[e.id] {
				continue
			}
			if err := work.forget(e.id); err != nil {
				return err
			}
		}
		clear(s.entities) // it may hold one that is no more
		return nil
	})
}

// pruneSamples deletes the entity's rows, a day at a time, until the slice is
// full, and reports whether the cold tables have none any more.
func (s *Store) pruneSamples(work *slice, e oldEntity, cutoff schema.Instant) (empty bool, err error) {
	empty = true
	for _, t := range s.layout.tables {
		if e.labelled != (t.family != schema.Unlabelled) || !e.labelled && t.kind != e.kind {
			continue
		}
		bare, err := work.pruneSeries(e.kind, cutoff, t.oldestOf, t.deleteBefore, e.id)
		if err != nil {
			return false, err
		}
		empty = empty && bare
	}
	for metric := int64(0); !work.full(); {
		if err := work.one(narrowMetricAfter, &metric, e.id, metric); err != nil || metric == 0 {
			return empty, err
		}
		bare, err := work.pruneSeries(e.kind, cutoff, oldestNarrowOf, deleteNarrowBefore, e.id, metric)
		if err != nil {
			return false, err
		}
		empty = empty && bare
	}
	return false, nil
}

// pruneSeries deletes rows of one key, and reports whether there are none any
// more.
func (s *slice) pruneSeries(kind schema.Kind, cutoff schema.Instant, oldest, remove string, key ...any) (empty bool, err error) {
	const day = 24 * 3600
	for !s.full() {
		var first schema.Instant
		if err := s.one(oldest, &first, key...); err != nil {
			return false, err
		}
		if first == 0 || first >= cutoff {
			return first == 0, nil
		}
		rows, err := s.change(remove, append(key[:len(key):len(key)], min(cutoff, first-first%day+day))...)
		if err != nil {
			return false, err
		}
		s.effort += rows
		s.tally.Rows[kind.String()] += rows
	}
	return false, nil
}

// pruneNotes deletes what is noted of an entity. Identities are of use to
// containers too, and are kept as long as anything.
func (s *slice) pruneNotes(e oldEntity, cutoff schema.Instant) error {
	conflicts, err := s.change(deleteConflicts, e.id, cutoff)
	if err != nil {
		return err
	}
	s.effort += conflicts
	s.tally.Conflicts += conflicts
	if e.kind != schema.Pod || s.everything() == 0 {
		return nil
	}
	identities, err := s.change(deleteIdentities, e.id, s.everything())
	s.tally.Identities += identities
	return err
}

// forget deletes an entity without samples, unless something is noted of it.
func (s *slice) forget(id int64) error {
	var referred bool
	if err := s.one(entityIsReferred, &referred, id); err != nil || referred {
		return err
	}
	if err := s.exec(deleteCarried, id); err != nil {
		return err
	}
	s.tally.Entities++
	return s.exec(deleteEntity, id)
}

// hotEntities returns the entities that have hot samples. They are few, and no
// key leads to them.
func (s *Store) hotEntities(work *slice) (map[int64]bool, error) {
	found := make(map[int64]bool)
	collect := func(query string) error {
		return each(work.ctx, work.tx, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			found[id] = true
			return err
		}, query)
	}
	for _, t := range s.layout.tables {
		if err := collect(t.hotEntities); err != nil {
			return nil, err
		}
	}
	return found, collect(hotNarrowEntities)
}

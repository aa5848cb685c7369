package archive

import (
	"context"
	"database/sql"
	"errors"

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
func (s *Writer) pruneEntities(ctx context.Context, work *slice) error {
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
			if !work.touches(e.kind) {
				work.Last = e.id
				continue
			}
			empty, err := s.pruneSamples(work, e)
			if err != nil {
				return err
			}
			if work.full() {
				return nil // the entity is looked at again
			}
			cutoff := work.cutoffs[cutoffKey{schema.Raw, e.kind}]
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
		return nil
	})
}

// touches reports whether anything of the kind goes.
func (c cutoffs) touches(kind schema.Kind) bool {
	for _, level := range schema.Levels() {
		if _, limited := c[cutoffKey{level, kind}]; limited {
			return true
		}
	}
	return false
}

// errFull ends the work of a slice.
var errFull = errors.New("the slice is full")

// pruneSamples deletes the entity's rows, of every level, until the slice is
// full, and reports whether there are none any more, but for hot ones.
func (s *Writer) pruneSamples(work *slice, e oldEntity) (empty bool, err error) {
	empty = true
	for _, r := range s.rollups {
		if !r.has(e.kind, e.labelled) {
			continue
		}
		for _, level := range schema.Levels() {
			err := work.eachSeries(r, level, e.id, func(series []any) error {
				bare, err := work.pruneSeries(r, cutoffKey{level, e.kind}, series)
				empty = empty && bare
				if err == nil && work.full() {
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

// pruneSeries deletes rows of one series at one level, a day of raw ones at a
// time, and reports whether there are none any more.
func (s *slice) pruneSeries(r *rollup, key cutoffKey, series []any) (empty bool, err error) {
	cutoff := s.cutoffs[key]
	for !s.full() {
		var first schema.Instant
		if err := s.one(r.oldest[key.level], &first, series...); err != nil {
			return false, err
		}
		if first == 0 || first >= cutoff {
			return first == 0, nil
		}
		until := cutoff
		if key.level == schema.Raw {
			until = min(cutoff, schema.Daily.Begin(first)+secondsOf(schema.Daily))
		}
		args := append(series[:len(series):len(series)], until)
		if key.level == schema.Raw {
			var samples int64
			if err := s.one(r.values, &samples, args...); err != nil {
				return false, err
			}
			s.gone += samples
		}
		rows, err := s.change(r.remove[key.level], args...)
		if err != nil {
			return false, err
		}
		s.effort += rows
		s.tally.Rows[key.String()] += rows
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
	all := s.everything(schema.Levels()...)
	if e.kind != schema.Pod || all == 0 {
		return nil
	}
	identities, err := s.change(deleteIdentities, e.id, all)
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
func (s *Writer) hotEntities(work *slice) (map[int64]bool, error) {
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

package upkeep

import (
	"context"
	"database/sql"
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
func pruneEntities(ctx context.Context, s *conn.Writer, work *slice) error {
	var hot map[int64]bool // looked for when needed
	return work.commit(ctx, s.Db, func() error {
		var list []oldEntity
		err := conn.Each(work.Ctx, work.Tx, func(rows *sql.Rows) error {
			var e oldEntity
			err := rows.Scan(&e.id, tables.ScanKind{Kind: &e.kind}, &e.labelled, &e.lastSeen)
			list = append(list, e)
			return err
		}, selectEntities, work.Last)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			work.next(stageScopes)
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
			empty, err := pruneSamples(s, work, e)
			if err != nil {
				return err
			}
			if work.full() {
				return nil // the entity is looked at again
			}
			cutoff := work.cutoffs[cutoffKey{archive.Raw, e.kind}]
			if err := work.pruneNotes(e, cutoff); err != nil {
				return err
			}
			work.Last = e.id
			if !empty || e.lastSeen == 0 || e.lastSeen >= cutoff {
				continue
			}
			if hot == nil {
				if hot, err = hotEntities(s, work); err != nil {
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
	for _, level := range archive.Levels() {
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
func pruneSamples(s *conn.Writer, work *slice, e oldEntity) (empty bool, err error) {
	empty = true
	for _, r := range s.Rollups {
		if !r.Has(e.kind, e.labelled) {
			continue
		}
		for _, level := range archive.Levels() {
			err := work.EachSeries(r, level, e.id, func(series []any) error {
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
func (s *slice) pruneSeries(r *tables.Rollup, key cutoffKey, series []any) (empty bool, err error) {
	cutoff := s.cutoffs[key]
	for !s.full() {
		var first schema.Instant
		if err := s.One(r.Oldest[key.level], &first, series...); err != nil {
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
			if err := s.One(r.Values, &samples, args...); err != nil {
				return false, err
			}
			s.gone += samples
		}
		rows, err := s.Change(r.Remove[key.level], args...)
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
	conflicts, err := s.Change(deleteConflicts, e.id, cutoff)
	if err != nil {
		return err
	}
	s.effort += conflicts
	s.tally.Conflicts += conflicts
	all := s.everything(archive.Levels()...)
	if e.kind != schema.Pod || all == 0 {
		return nil
	}
	identities, err := s.Change(deleteIdentities, e.id, all)
	s.tally.Identities += identities
	return err
}

// forget deletes an entity without samples, unless something is noted of it.
func (s *slice) forget(id int64) error {
	var referred bool
	if err := s.One(entityIsReferred, &referred, id); err != nil || referred {
		return err
	}
	if err := s.Exec(deleteCarried, id); err != nil {
		return err
	}
	s.tally.Entities++
	return s.Exec(deleteEntity, id)
}

// hotEntities returns the entities that have hot samples. They are few, and no
// key leads to them.
func hotEntities(s *conn.Writer, work *slice) (map[int64]bool, error) {
	found := make(map[int64]bool)
	collect := func(query string) error {
		return conn.Each(work.Ctx, work.Tx, func(rows *sql.Rows) error {
			var id int64
			err := rows.Scan(&id)
			found[id] = true
			return err
		}, query)
	}
	for _, t := range s.Layout.Tables {
		if err := collect(t.HotEntities); err != nil {
			return nil, err
		}
	}
	return found, collect(tables.HotNarrowEntities)
}

package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/transfer"
	"heapstash/schema"
)

// copied is the process of the passes that [Store.Record] adds.
const copied = "copied"

// Settle implements [transfer.Target]. The server merges by itself.
func (s *Store) Settle(context.Context, schema.Instant) error { return nil }

// Record implements [transfer.Target]. Passes come last: a pass that is there has its
// holes and conflicts.
func (s *Store) Record(ctx context.Context, r transfer.Record) error {
	err := s.record(ctx, r)
	if err != nil {
		delete(s.clusters, r.Cluster) // it is not known what was written
		clear(s.metrics)
	}
	return s.conn.Explain(err)
}

func (s *Store) record(ctx context.Context, r transfer.Record) error {
	w := &writer{Store: s, ctx: ctx, cluster: r.Cluster, known: s.of(r.Cluster), drafts: make(drafts)}
	horizon, _, err := s.state(ctx, r.Cluster)
	if err != nil {
		return err
	}
	later := horizon > r.Horizon
	if err := w.recordLifetimes(r.Entities, later); err != nil {
		return err
	}
	if err := w.recordIdentities(r.Identities, later); err != nil {
		return err
	}
	if err := w.recordLabels(r.Labels, later); err != nil {
		return err
	}
	if err := w.recordPasses(r.Passes); err != nil {
		return err
	}
	l := s.conn.Layout
	order := []*tables.Table{l.Metric, l.Entity, l.PodIdentity, l.NamespaceLabel, l.Hole, l.Conflict, l.Pass}
	written := slices.Collect(maps.Keys(w.drafts))
	if err := w.drafts.insert(ctx, s.conn, order...); err != nil {
		return err
	}
	return s.settle(ctx, written...)
}

// recordLifetimes adds entities. Later is whether the archive knows more than the record.
func (w *writer) recordLifetimes(all []transfer.Lifetime, later bool) error {
	wanted := make(map[schema.Entity]bool, len(all))
	for _, l := range all {
		wanted[l.Entity] = true
	}
	if err := w.know(wanted); err != nil {
		return err
	}
	for _, l := range all {
		now := entity{l.First, l.Last}
		stored, ok := w.known.entities[l.Entity]
		if ok {
			now.firstSeen = min(stored.firstSeen, l.First)
			if later {
				now.lastSeen = stored.lastSeen
			}
		}
		if !ok || now != stored {
			w.put(l.Entity, now)
		}
	}
	return nil
}

// recordIdentities adds incarnations of pods.
func (w *writer) recordIdentities(all []transfer.Identity, later bool) error {
	told := make(map[schema.Entity][]transfer.Identity)
	for _, i := range all {
		told[i.Pod] = append(told[i.Pod], i)
	}
	return w.changeIncarnations(maps.Keys(told), func(pod schema.Entity, incarnations []incarnation) []incarnation {
		for _, i := range told[pod] {
			own := slices.IndexFunc(incarnations, func(other incarnation) bool { return other.UID == i.UID })
			if own < 0 {
				now := incarnation{Identity: i.Identity, to: i.To, changed: true}
				if now.to == 0 {
					now.to = before(incarnations, i.Since)
				}
				incarnations = append(incarnations, now)
				continue
			}
			known := &incarnations[own]
			now := incarnation{Identity: i.Identity, to: i.To}
			if later {
				now = *known
			}
			now.Since = min(known.Since, i.Since)
			if now.Identity != known.Identity || now.to != known.to {
				now.changed = true
				*known = now
			}
		}
		return incarnations
	})
}

// before returns the end of an incarnation that has a successor, None if it has none.
func before(all []incarnation, since schema.Instant) (end schema.Instant) {
	for _, other := range all {
		if other.Since > since && (end == 0 || other.Since-1 < end) {
			end = other.Since - 1
		}
	}
	return end
}

// recordLabels adds labels of namespaces.
func (w *writer) recordLabels(all []transfer.Labels, later bool) error {
	if len(all) == 0 {
		return nil
	}
	type key struct {
		namespace string
		from      schema.Instant
	}
	stored := make(map[key]transfer.Labels)
	t := w.conn.Layout.NamespaceLabel
	err := w.each(w.ctx, "SELECT namespace, valid_from, labels, valid_to FROM namespace_label_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var l transfer.Labels
		err := scan(&l.Namespace, (*int64)(&l.From), &l.Labels, (*int64)(&l.To))
		stored[key{l.Namespace, l.From}] = l
		return err
	}, w.cluster)
	if err != nil {
		return err
	}
	for _, l := range all {
		known, ok := stored[key{l.Namespace, l.From}]
		if ok && (later || known == l) {
			continue
		}
		if !ok && l.To == 0 {
			for other := range stored {
				if other.namespace == l.Namespace && other.from > l.From && (l.To == 0 || other.from-1 < l.To) {
					l.To = other.from - 1
				}
			}
		}
		w.drafts.put(t, w.cluster, l.Namespace, int64(l.From), l.Labels, int64(l.To))
	}
	return nil
}

// recordPasses adds the passes that the ledger does not have. A pass keeps its id if that
// is free.
func (w *writer) recordPasses(all []transfer.Pass) error {
	if len(all) == 0 {
		return nil
	}
	known, err := w.passesLike(all)
	if err != nil {
		return err
	}
	taken, next, err := w.passIDs(all)
	if err != nil {
		return err
	}
	for _, p := range all {
		own := passOf(p, w.cluster)
		if known[own.likeness()] {
			continue
		}
		if own.id = int64(p.ID); taken[own.id] {
			own.id = next
			next++
		}
		taken[own.id] = true
		id := archive.PassID(own.id)
		for _, h := range p.Holes {
			lasting := int64(0)
			if h.Lasting {
				lasting = 1
			}
			row := append([]any{own.id}, namesOf(w.cluster, h.Entity)...)
			w.drafts.put(w.conn.Layout.Hole, append(row, string(h.Metric), string(h.Cause), h.Detail, int64(h.Window.From), int64(h.Window.To), lasting)...)
		}
		for _, c := range p.Conflicts {
			m := &merge{writer: w}
			m.pass = id
			m.putConflict(cellKey{c.Entity, c.Metric, c.At}, c.Metric, c.Kept, c.Refused)
			w.learn(c.Metric)
		}
		w.drafts.put(w.conn.Layout.Pass, own.values()...)
	}
	return nil
}

// passOf returns the row of a pass of another archive.
func passOf(p transfer.Pass, cluster string) *pass {
	own := &pass{
		process: copied, cluster: cluster, version: p.Version, outcome: string(p.Outcome), failure: p.Error, started: p.Started.Unix(), alive: p.Started.Unix(),
		added: int64(p.New), duplicates: int64(p.Duplicates), conflicts: int64(p.Pass.Conflicts), newest: unlessZero(p.Newest), hori: unlessZero(p.Horizon),
	}
	if !p.Finished.IsZero() {
		own.finished, own.durationMS = number(p.Finished.Unix()), number(p.Finished.Sub(p.Started).Milliseconds())
		own.requests, own.bytes, own.entities = number(p.Requests), number(p.Bytes), number(int64(p.Entities))
		own.gapSeconds = number(int64(p.Gap.Seconds()))
	}
	return own
}

// likeness is the same for a pass in two archives.
func (p *pass) likeness() string {
	of := func(n *int64) int64 {
		if n == nil {
			return 0
		}
		return *n
	}
	return fmt.Sprint(p.started, of(p.durationMS), p.outcome, of(p.hori), of(p.bytes))
}

// passesLike returns the likenesses of the cluster's passes of that time.
func (w *writer) passesLike(all []transfer.Pass) (map[string]bool, error) {
	first, last := all[0].Started.Unix(), all[0].Started.Unix()
	for _, p := range all {
		first, last = min(first, p.Started.Unix()), max(last, p.Started.Unix())
	}
	known := make(map[string]bool)
	return known, w.each(w.ctx, selectPasses+" AND cluster = ? AND started BETWEEN ? AND ?", func(scan scanner) error {
		var p pass
		err := p.scan(scan)
		known[p.likeness()] = true
		return err
	}, w.cluster, first, last)
}

// passIDs returns which of the passes' ids are taken, and the next one that never was.
func (w *writer) passIDs(all []transfer.Pass) (taken map[int64]bool, next int64, err error) {
	taken = make(map[int64]bool)
	var ids []string
	for _, p := range all {
		ids = append(ids, fmt.Sprint(int64(p.ID)))
		next = max(next, int64(p.ID))
	}
	err = w.each(w.ctx, "SELECT id FROM pass_rows FINAL WHERE deleted = 0 AND id IN ("+strings.Join(ids, ", ")+")", func(scan scanner) error {
		var id int64
		err := scan(&id)
		taken[id] = true
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	var greatest int64
	err = w.one(w.ctx, "SELECT max(id) FROM pass_rows", &greatest)
	return taken, max(next, greatest) + 1, err
}

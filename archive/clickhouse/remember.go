package clickhouse

import (
	"context"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/schema"
)

// remember adds what a batch says of entities, identities, scopes and namespaces.
func (w *writer) remember(b archive.Batch) error {
	l := w.conn.Layout
	if err := w.know(entitiesOf(b)); err != nil {
		return err
	}
	for _, e := range b.Appeared {
		w.see(e, b.Seen)
		if seen := w.known.entities[e]; seen.lastSeen != 0 {
			w.put(e, entity{firstSeen: seen.firstSeen})
		}
	}
	for e, at := range b.Vanished {
		w.see(e, at)
		w.put(e, entity{w.known.entities[e].firstSeen, at})
	}
	if err := w.identify(b); err != nil {
		return err
	}
	if err := w.labelNamespaces(b); err != nil {
		return err
	}
	if err := w.replaceNamespaceIDs(b.NamespaceIDs); err != nil {
		return err
	}
	for scope, metrics := range b.Asked {
		for _, m := range metrics {
			if !w.known.asked[scope][m] {
				add(w.known.asked, scope, m)
				w.drafts.put(l.Asked, w.cluster, scope.Kind.String(), scope.Name, string(scope.Part), string(m))
			}
			w.learn(m)
		}
	}
	for e, metrics := range b.Carried {
		w.see(e, b.Seen)
		for _, m := range metrics {
			if !w.known.carried[e][m] {
				add(w.known.carried, e, m)
				w.drafts.put(l.Carried, append(namesOf(w.cluster, e), string(m))...)
			}
			w.learn(m)
		}
	}
	return w.moveWatermarks(b)
}

// entitiesOf returns the entities of a batch, with those of its rows.
func entitiesOf(b archive.Batch) map[schema.Entity]bool {
	all := make(map[schema.Entity]bool)
	for i := range b.Rows {
		all[b.Rows[i].Entity] = true
	}
	for _, e := range b.Appeared {
		all[e] = true
	}
	for e := range b.Vanished {
		all[e] = true
	}
	for e := range b.Carried {
		all[e] = true
	}
	for _, i := range b.Identities {
		all[i.Pod] = true
	}
	return all
}

// know reads what the archive has of entities that the store does not know yet.
func (w *writer) know(wanted map[schema.Entity]bool) error {
	var unknown []schema.Entity
	for e := range wanted {
		if _, ok := w.known.entities[e]; !ok {
			unknown = append(unknown, e)
		}
	}
	return chunks(unknown, schema.Entity.Compare, func(some []schema.Entity) error {
		var near within
		for _, e := range some {
			near.addEntity(e)
		}
		return w.each(w.ctx, "SELECT "+entityNames+", first_seen, last_seen FROM entity_rows FINAL WHERE deleted = 0 AND cluster = ?"+near.condition(w.conn.Layout.Entity.KeyNames()), func(scan scanner) error {
			var e schema.Entity
			var seen entity
			err := scanEntity(scan, &e, (*int64)(&seen.firstSeen), (*int64)(&seen.lastSeen))
			if wanted[e] {
				w.known.entities[e] = seen
			}
			return err
		}, w.cluster)
	})
}

// see adds an entity that the archive does not have.
func (w *writer) see(e schema.Entity, at schema.Instant) {
	if _, ok := w.known.entities[e]; !ok {
		w.put(e, entity{firstSeen: at})
	}
}

func (w *writer) put(e schema.Entity, seen entity) {
	w.known.entities[e] = seen
	w.drafts.put(w.conn.Layout.Entity, append(namesOf(w.cluster, e), int64(seen.firstSeen), int64(seen.lastSeen))...)
}

// learn adds a metric that the archive does not have.
func (w *writer) learn(m schema.MetricName) {
	if !w.metrics[m] {
		w.metrics[m] = true
		w.drafts.put(w.conn.Layout.Metric, string(m), "", "", "", "")
	}
}

// moveWatermarks sets the cluster's horizon and watermarks. If Heapster's clock was set
// back, a watermark after the horizon would skip samples.
func (w *writer) moveWatermarks(b archive.Batch) error {
	l := w.conn.Layout
	marks, err := w.watermarks(w.ctx, w.cluster)
	if err != nil {
		return err
	}
	set := func(scope schema.Scope, at schema.Instant) {
		key := []any{w.cluster, scope.Kind.String(), scope.Name, string(scope.Part)}
		switch stored, ok := marks[scope]; {
		case at == 0 && ok:
			delete(marks, scope)
			w.drafts.delete(l.Watermark, key...)
		case at != 0 && at != stored:
			marks[scope] = at
			w.drafts.put(l.Watermark, append(key, int64(at))...)
		}
	}
	for scope, at := range marks {
		if b.Horizon > 0 && at > b.Horizon {
			set(scope, 0)
		}
	}
	for scope, at := range b.Watermarks {
		set(scope, at)
	}
	horizon, newest, err := w.state(w.ctx, w.cluster)
	if err != nil {
		return err
	}
	now, latest := horizon, newest
	if b.Horizon > 0 {
		now = b.Horizon
	}
	for i := range b.Rows {
		latest = max(latest, int64(b.Rows[i].At))
	}
	if now != horizon || latest != newest {
		w.drafts.put(l.ClusterState, w.cluster, int64(now), latest)
	}
	return nil
}

// replaceNamespaceIDs replaces the names of namespaces by id. Nil changes nothing.
func (w *writer) replaceNamespaceIDs(names map[string]string) error {
	if names == nil {
		return nil
	}
	stored, err := w.namespaceIDs(w.ctx, w.cluster)
	if err != nil {
		return err
	}
	for id := range stored {
		if _, ok := names[id]; !ok {
			w.drafts.delete(w.conn.Layout.NamespaceID, w.cluster, id)
		}
	}
	for id, namespace := range names {
		if stored[id] != namespace {
			w.drafts.put(w.conn.Layout.NamespaceID, w.cluster, id, namespace)
		}
	}
	return nil
}

// labelNamespaces stores the labels of namespaces from the batch's time on. The last
// statement about a time wins.
func (w *writer) labelNamespaces(b archive.Batch) error {
	if len(b.NamespaceLabels) == 0 {
		return nil
	}
	t := w.conn.Layout.NamespaceLabel
	err := w.each(w.ctx, "SELECT namespace, valid_from, labels, valid_to FROM namespace_label_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var namespace, labels string
		var from, to int64
		if err := scan(&namespace, &from, &labels, &to); err != nil {
			return err
		}
		if _, told := b.NamespaceLabels[namespace]; !told {
			return nil
		}
		switch since := int64(b.Seen); {
		case from >= since:
			w.drafts.delete(t, w.cluster, namespace, from)
		case to == 0 || to >= since:
			w.drafts.put(t, w.cluster, namespace, from, labels, since-1)
		}
		return nil
	}, w.cluster)
	for namespace, labels := range b.NamespaceLabels {
		if labels != "" {
			w.drafts.put(t, w.cluster, namespace, int64(b.Seen), labels, int64(0))
		}
	}
	return err
}

// insertRemembered inserts what remember added: watermarks after what they stand for.
func (w *writer) insertRemembered(ctx context.Context, c *conn.Conn) error {
	l := c.Layout
	return w.drafts.insert(ctx, c, l.Conflict, l.Metric, l.Entity, l.Carried, l.PodIdentity, l.NamespaceLabel, l.NamespaceID, l.Asked, l.Watermark, l.ClusterState, l.Hole, l.Pass)
}

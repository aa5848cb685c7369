package sqlite

import (
	"heapstash/archive"
	"heapstash/schema"
)

const (
	clearLastSeen   = `UPDATE entity SET last_seen = NULL WHERE id = ? AND last_seen IS NOT NULL`
	endIdentity     = `UPDATE pod_identity SET valid_to = max(valid_from, ?) WHERE entity_id = ? AND valid_to IS NULL`
	setLastSeen     = `UPDATE entity SET last_seen = ? WHERE id = ?`
	deleteWatermark = `DELETE FROM watermark WHERE cluster = ? AND kind = ? AND name = ? AND part = ?`
	upsertWatermark = `INSERT INTO watermark (cluster, kind, name, part, ts) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (cluster, kind, name, part) DO UPDATE SET ts = excluded.ts`
	insertAsked   = `INSERT OR IGNORE INTO asked (cluster, kind, name, part, metric_id) VALUES (?, ?, ?, ?, ?)`
	insertCarried = `INSERT OR IGNORE INTO carried (entity_id, metric_id) VALUES (?, ?)`
	// If Heapster's clock was set back, a watermark after the horizon would skip samples.
	deleteFutureWatermarks = `DELETE FROM watermark WHERE cluster = ? AND ts > ?`
	upsertHorizon          = `INSERT INTO cluster_state (cluster, horizon) VALUES (?, ?)
		ON CONFLICT (cluster) DO UPDATE SET horizon = excluded.horizon`
)

// remember stores the memory for the next pass.
func (w *writer) remember(b archive.Batch) error {
	for _, e := range b.Appeared {
		id, err := w.entityID(e, b.Seen)
		if err != nil {
			return err
		}
		if err := w.Exec(clearLastSeen, id); err != nil {
			return err
		}
	}
	for e, lastSeen := range b.Vanished {
		id, err := w.entityID(e, lastSeen)
		if err != nil {
			return err
		}
		if err := w.Exec(setLastSeen, lastSeen, id); err != nil {
			return err
		}
		if err := w.Exec(endIdentity, lastSeen, id); err != nil {
			return err
		}
	}
	for _, identity := range b.Identities {
		if err := w.storeIdentity(identity); err != nil {
			return err
		}
	}
	for namespace, labels := range b.NamespaceLabels {
		if err := w.storeLabels(namespace, labels, b.Seen); err != nil {
			return err
		}
	}
	if err := w.storeNamespaceIDs(b.NamespaceIDs); err != nil {
		return err
	}
	if b.Horizon > 0 {
		if err := w.Exec(deleteFutureWatermarks, w.cluster, b.Horizon); err != nil {
			return err
		}
	}
	for scope, ts := range b.Watermarks {
		if ts == 0 {
			if err := w.Exec(deleteWatermark, w.cluster, scope.Kind.String(), scope.Name, scope.Part); err != nil {
				return err
			}
			continue
		}
		if err := w.Exec(upsertWatermark, w.cluster, scope.Kind.String(), scope.Name, scope.Part, ts); err != nil {
			return err
		}
	}
	for scope, metrics := range b.Asked {
		for _, m := range metrics {
			id, err := w.metricID(m)
			if err != nil {
				return err
			}
			if err := w.Exec(insertAsked, w.cluster, scope.Kind.String(), scope.Name, scope.Part, id); err != nil {
				return err
			}
		}
	}
	for e, metrics := range b.Carried {
		entity, err := w.entityID(e, b.Seen)
		if err != nil {
			return err
		}
		for _, m := range metrics {
			id, err := w.metricID(m)
			if err != nil {
				return err
			}
			if err := w.Exec(insertCarried, entity, id); err != nil {
				return err
			}
		}
	}
	if b.Horizon == 0 {
		return nil
	}
	return w.Exec(upsertHorizon, w.cluster, b.Horizon)
}

const (
	// identitySince is the start of the pod with uid ?2: the stored one, or ?3.
	identitySince = `ifnull((SELECT valid_from FROM pod_identity WHERE entity_id = ?1 AND uid = ?2), ?3)`

	// The last statement about a time wins: Heapster's clock may have been set back, one
	// batch may have two incarnations, and the sources of identities may disagree.
	deleteNewerIdentities = `DELETE FROM pod_identity WHERE entity_id = ?1 AND uid <> ?2 AND valid_from >= ` + identitySince
	endOtherIdentities    = `UPDATE pod_identity SET valid_to = ` + identitySince + ` - 1
		WHERE entity_id = ?1 AND uid <> ?2 AND ifnull(valid_to >= ` + identitySince + `, TRUE)`
	upsertIdentity = `INSERT INTO pod_identity (entity_id, uid, node, labels, images, owner_kind, owner, valid_from)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (entity_id, uid) DO UPDATE SET node = excluded.node, labels = excluded.labels,
			images = excluded.images, owner_kind = excluded.owner_kind, owner = excluded.owner, valid_to = NULL`
)

// storeIdentity stores the pod's identity. Another uid ends the stored incarnation; the
// same uid with other labels, images, node or owner is the same pod.
func (w *writer) storeIdentity(i schema.Identity) error {
	id, err := w.entityID(i.Pod, i.Since)
	if err != nil {
		return err
	}
	for _, statement := range []string{deleteNewerIdentities, endOtherIdentities} {
		if err := w.Exec(statement, id, i.UID, i.Since); err != nil {
			return err
		}
	}
	return w.Exec(upsertIdentity, id, i.UID, i.Node, i.Labels, i.Images, i.Owner.Kind, i.Owner.Name, i.Since)
}

const (
	deleteNewerLabels = `DELETE FROM namespace_label WHERE cluster = ?1 AND namespace = ?2 AND valid_from >= ?3`
	endLabels         = `UPDATE namespace_label SET valid_to = ?3 - 1 WHERE cluster = ?1 AND namespace = ?2 AND ifnull(valid_to, ?3) >= ?3`
	insertLabels      = `INSERT INTO namespace_label (cluster, namespace, labels, valid_from) VALUES (?, ?, ?, ?)`
)

// storeLabels stores the namespace's labels from since on. As with identities, the last
// statement about a time wins.
func (w *writer) storeLabels(namespace, labels string, since schema.Instant) error {
	for _, statement := range []string{deleteNewerLabels, endLabels} {
		if err := w.Exec(statement, w.cluster, namespace, since); err != nil {
			return err
		}
	}
	if labels == "" {
		return nil
	}
	return w.Exec(insertLabels, w.cluster, namespace, labels, since)
}

const (
	deleteNamespaceIDs = `DELETE FROM namespace_id WHERE cluster = ?`
	insertNamespaceID  = `INSERT INTO namespace_id (cluster, id, namespace) VALUES (?, ?, ?)`
)

// storeNamespaceIDs replaces the names of namespaces by id. Nil changes nothing.
func (w *writer) storeNamespaceIDs(names map[string]string) error {
	if names == nil {
		return nil
	}
	if err := w.Exec(deleteNamespaceIDs, w.cluster); err != nil {
		return err
	}
	for id, namespace := range names {
		if err := w.Exec(insertNamespaceID, w.cluster, id, namespace); err != nil {
			return err
		}
	}
	return nil
}

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
func (w *writer) remember(b archive.Batch) {
	for _, e := range b.Appeared {
		w.Exec(clearLastSeen, w.entityID(e, b.Seen))
	}
	for e, lastSeen := range b.Vanished {
		id := w.entityID(e, lastSeen)
		w.Exec(setLastSeen, lastSeen, id)
		w.Exec(endIdentity, lastSeen, id)
	}
	for _, identity := range b.Identities {
		w.storeIdentity(identity)
	}
	for namespace, labels := range b.NamespaceLabels {
		w.storeLabels(namespace, labels, b.Seen)
	}
	w.storeNamespaceIDs(b.NamespaceIDs)
	if b.Horizon > 0 {
		w.Exec(deleteFutureWatermarks, w.cluster, b.Horizon)
	}
	for scope, ts := range b.Watermarks {
		key := []any{w.cluster, scope.Kind.String(), scope.Name, scope.Part}
		if ts == 0 {
			w.Exec(deleteWatermark, key...)
		} else {
			w.Exec(upsertWatermark, append(key, ts)...)
		}
	}
	for scope, metrics := range b.Asked {
		for _, m := range metrics {
			w.Exec(insertAsked, w.cluster, scope.Kind.String(), scope.Name, scope.Part, w.metricID(m))
		}
	}
	for e, metrics := range b.Carried {
		entity := w.entityID(e, b.Seen)
		for _, m := range metrics {
			w.Exec(insertCarried, entity, w.metricID(m))
		}
	}
	if b.Horizon > 0 {
		w.Exec(upsertHorizon, w.cluster, b.Horizon)
	}
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
func (w *writer) storeIdentity(i schema.Identity) {
	id := w.entityID(i.Pod, i.Since)
	w.Exec(deleteNewerIdentities, id, i.UID, i.Since)
	w.Exec(endOtherIdentities, id, i.UID, i.Since)
	w.Exec(upsertIdentity, id, i.UID, i.Node, i.Labels, i.Images, i.Owner.Kind, i.Owner.Name, i.Since)
}

const (
	deleteNewerLabels = `DELETE FROM namespace_label WHERE cluster = ?1 AND namespace = ?2 AND valid_from >= ?3`
	endLabels         = `UPDATE namespace_label SET valid_to = ?3 - 1 WHERE cluster = ?1 AND namespace = ?2 AND ifnull(valid_to, ?3) >= ?3`
	insertLabels      = `INSERT INTO namespace_label (cluster, namespace, labels, valid_from) VALUES (?, ?, ?, ?)`
)

// storeLabels stores the namespace's labels from since on. As with identities, the last
// statement about a time wins.
func (w *writer) storeLabels(namespace, labels string, since schema.Instant) {
	w.Exec(deleteNewerLabels, w.cluster, namespace, since)
	w.Exec(endLabels, w.cluster, namespace, since)
	if labels != "" {
		w.Exec(insertLabels, w.cluster, namespace, labels, since)
	}
}

const (
	deleteNamespaceIDs = `DELETE FROM namespace_id WHERE cluster = ?`
	insertNamespaceID  = `INSERT INTO namespace_id (cluster, id, namespace) VALUES (?, ?, ?)`
)

// storeNamespaceIDs replaces the names of namespaces by id. Nil changes nothing.
func (w *writer) storeNamespaceIDs(names map[string]string) {
	if names == nil {
		return
	}
	w.Exec(deleteNamespaceIDs, w.cluster)
	for id, namespace := range names {
		w.Exec(insertNamespaceID, w.cluster, id, namespace)
	}
}

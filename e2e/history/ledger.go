package history

import (
	"database/sql/driver"
	"fmt"

	"heapstash/archive"
	"heapstash/schema"
)

const (
	insertEntity = `INSERT INTO entity (id, cluster, kind, namespace, pod, container, node, labels, first_seen, last_seen)
		VALUES (?, ?, ?, ?, ?, '', ?, '', ?, ?)`
	insertIdentity = `INSERT INTO pod_identity (entity_id, uid, node, labels, images, owner_kind, owner, valid_from, valid_to)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertLabels = `INSERT INTO namespace_label (cluster, namespace, labels, valid_from) VALUES (?, ?, ?, ?)`
	insertState  = `INSERT INTO cluster_state (cluster, horizon) VALUES (?, ?)`
	insertPass   = `INSERT INTO pass (id, cluster, version, started, finished, duration_ms, outcome, newest, horizon, gap_seconds)
		VALUES (?, ?, 'generated', ?, ?, 1000, ?, ?, ?, ?)`
	insertHole = `INSERT INTO hole (pass_id, kind, namespace, pod, container, node, labels, metric, cause, detail, from_ts, to_ts, lasting)
		VALUES (?, '', '', '', '', '', '', '', 'late', 'no pass was made', ?, ?, 0)`
	insertMoved = `INSERT OR REPLACE INTO compaction (table_name, ts) VALUES (?, ?)`
	// insertDue makes the hours of all cold rows of a KIND due for their rollups.
	insertDue = `INSERT INTO rollup_due (level, ts, table_name, entity_id)
		SELECT DISTINCT 'hourly', ts - ts % 3600, 'KIND', entity_id FROM KIND_cold`
)

// writeLedger writes what an archive has beside samples.
func (r *recorder) writeLedger() {
	add := func(insert string, row ...driver.Value) { r.out.add(insert, row) }
	add(insertState, clusterName, int64(r.newest))
	for _, kind := range kinds {
		add(insertMoved, kind.String(), int64(r.End-1))
	}
	spaces := 0
	for _, e := range r.entities {
		add(insertEntity, e.id, clusterName, e.Kind.String(), e.Namespace, e.Pod, e.Node, int64(e.first), r.until(e.last))
		if e.Kind == schema.Namespace {
			add(insertLabels, clusterName, e.Namespace, fmt.Sprintf("team:%c", 'a'+spaces%4), int64(r.begin()))
			spaces++
		}
		for _, i := range e.incarnations {
			add(insertIdentity, e.id, i.UID, i.Node, i.Labels, i.Images, i.Owner.Kind, i.Owner.Name, int64(i.Since), r.until(i.last))
		}
	}
	pass := func(id int, at schema.Instant, outcome archive.Outcome, gap schema.Instant) {
		add(insertPass, int64(id), clusterName, int64(at), int64(at+1), string(outcome), int64(at), int64(at), int64(gap))
	}
	for i, o := range r.outages {
		pass(i+1, o.To+minute, archive.OutcomePartial, o.To-o.From+minute)
		add(insertHole, int64(i+1), int64(o.From), int64(o.To))
	}
	pass(len(r.outages)+1, r.newest, archive.OutcomeComplete, 0)
}

// until is the end of something that was seen last at that moment: NULL if that
// is the newest batch.
func (r *recorder) until(last schema.Instant) driver.Value {
	return cellOf(int64(last), last != r.newest)
}

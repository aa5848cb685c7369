package history

import (
	"database/sql/driver"
	"fmt"

	"heapstash/schema"
)

// clusterID is the cluster's entity; the nodes', the namespaces' and the pods'
// follow.
const clusterID int64 = 1

func (p *plan) nodeID(i int) int64  { return clusterID + 1 + int64(i) }
func (p *plan) spaceID(i int) int64 { return p.nodeID(len(p.nodes)) + int64(i) }

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
	// What is cold becomes due, entity by entity.
	insertBackfill = `INSERT OR REPLACE INTO setting (name, value) VALUES ('rollup_backfill', ?)`
	insertMoved    = `INSERT OR REPLACE INTO compaction (table_name, ts) VALUES (?, ?)`
)

// known makes up what there is beside samples.
func (p *plan) known(out *batches) {
	newest := p.at(p.minutes - 1)
	out.add(insertBackfill, []driver.Value{"0"})
	out.add(insertState, []driver.Value{clusterName, int64(newest)})
	for _, kind := range []schema.Kind{schema.Cluster, schema.Node, schema.Namespace, schema.Pod} {
		out.add(insertMoved, []driver.Value{kind.String(), int64(p.End - 1)})
	}
	entity := func(id int64, kind schema.Kind, namespace, pod, node string, first schema.Instant, last driver.Value) {
		out.add(insertEntity, []driver.Value{id, clusterName, kind.String(), namespace, pod, node, int64(first), last})
	}
	entity(clusterID, schema.Cluster, "", "", "", p.begin, nil)
	for i, n := range p.nodes {
		entity(p.nodeID(i), schema.Node, "", "", n.name, p.begin, nil)
	}
	for i, ns := range p.spaces {
		entity(p.spaceID(i), schema.Namespace, ns.name, "", "", p.begin, nil)
		out.add(insertLabels, []driver.Value{clusterName, ns.name, fmt.Sprintf("team:%c", 'a'+i%4), int64(p.begin)})
	}
	for _, pod := range p.pods {
		p.pod(pod, entity, out)
	}
	pass := func(id int, at schema.Instant, outcome string, gap int64) {
		out.add(insertPass, []driver.Value{int64(id), clusterName, int64(at), int64(at + 1), outcome, int64(at), int64(at), gap})
	}
	for i, o := range p.outages {
		pass(i+1, o.to+minute, "partial", int64(o.to-o.from+minute))
		out.add(insertHole, []driver.Value{int64(i + 1), int64(o.from), int64(o.to)})
	}
	pass(len(p.outages)+1, newest, "complete", 0)
}

func (p *plan) pod(pod *pod, entity func(int64, schema.Kind, string, string, string, schema.Instant, driver.Value), out *batches) {
	if len(pod.lives) == 0 {
		return
	}
	until := func(l *life) driver.Value {
		if p.present(l) {
			return nil
		}
		return int64(l.last)
	}
	entity(pod.id, schema.Pod, pod.namespace.name, pod.name, "", pod.lives[0].first, until(pod.lives[len(pod.lives)-1]))
	for _, l := range pod.lives {
		w := l.workload
		labels := "app:" + w.name
		if w.kind == "Deployment" {
			labels += ",pod-template-hash:" + l.template()
		}
		image := fmt.Sprintf("%s=registry.example.com/%s:1.%d", w.name, w.name, l.version)
		out.add(insertIdentity, []driver.Value{pod.id, l.uid, l.node.name, labels, image, w.kind, w.name, int64(l.first), until(l)})
	}
}

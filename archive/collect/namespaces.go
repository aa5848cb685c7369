package collect

import (
	"context"
	"maps"
	"slices"

	"heapstash/schema"
)

// lists returns what the discovery tells of names. They are stale if they are
// of another batch than the export.
func (d *discovery) lists(stale bool) lists {
	l := lists{homes: d.homes, whole: d.whole, stale: stale}
	for scope := range d.unheard {
		if scope.Kind == schema.Pod && scope.Name != "" {
			l.unheard = append(l.unheard, scope.Name)
		}
	}
	slices.Sort(l.unheard)
	return l
}

// findNamespaces decides whose metric-export's sets are by all that is known
// without asking Heapster again: in this order the label pod_namespace, names
// that only one namespace has, the values of the same batch, what earlier
// passes learned, and the Kubernetes API.
func (p *pass) findNamespaces(ctx context.Context, a *attribution) {
	a.hear(p.shown)
	a.conclude()
	uids := make(map[string]schema.Entity, len(p.memory.Identities))
	for pod, identity := range p.memory.Identities {
		uids[identity.UID] = pod
	}
	a.recall(p.memory.NamespaceIDs, uids)
	if p.Enricher == nil || len(a.undecided()) == 0 {
		return
	}
	// What cannot be had is noted when its turn comes.
	clear(uids)
	pods, _ := p.kubernetesPods(ctx, false)
	for _, identity := range pods {
		uids[identity.UID] = identity.Pod
	}
	a.recall(nil, uids)
	if len(a.undecided()) == 0 {
		return
	}
	namespaces, _ := p.kubernetesNamespaces(ctx)
	names := make(map[string]string, len(namespaces))
	for _, namespace := range namespaces {
		names[namespace.UID] = namespace.Name
	}
	a.recall(names, nil)
}

// relist reports whether the lists are of the export's batch. If a batch came
// between them, it lists again.
func (p *pass) relist(ctx context.Context, at schema.Instant, found *discovery) bool {
	if at == p.record.Horizon || at == 0 {
		return true
	}
	if at < p.record.Horizon || !found.whole {
		return false
	}
	entities, _, err := p.source.AllKeys(ctx)
	if err != nil || p.checkEntities(len(entities)) != nil {
		return false
	}
	points, err := p.source.Series(ctx, schema.ClusterEntity(), "memory/usage", at)
	if err != nil || newest(points) != at {
		return false
	}
	p.Log.Info("metric-export has a newer batch than the lists: they were read again", "batch", at, "listed", p.record.Horizon)
	clear(found.homes)
	for _, e := range found.house(entities) {
		if p.wants(e) || e.Kind == schema.Node {
			found.add(e, p.memory)
		}
	}
	return true
}

// learned returns the names of all namespaces whose ids are known, by id; nil
// if they are those that the store has. An id is forgotten when it contradicts
// what was found, when its namespace has another, and a while after its
// namespace vanished.
func (p *pass) learned(found discovery) map[string]string {
	a := p.export.whose
	if a == nil {
		return nil
	}
	there := make(map[string]bool)
	for _, homes := range found.homes {
		for _, namespace := range homes {
			there[namespace] = true
		}
	}
	for _, namespace := range a.lists.unheard {
		there[namespace] = true
	}
	for e := range p.memory.Entities {
		if e.Kind == schema.Namespace {
			there[e.Namespace] = true
		}
	}
	ids := maps.Clone(p.memory.NamespaceIDs)
	if ids == nil {
		ids = make(map[string]string)
	}
	maps.DeleteFunc(ids, func(_, namespace string) bool { return !there[namespace] })
	for _, c := range a.claims {
		if c.id != "" && !a.mayBe(c, ids[c.id]) {
			delete(ids, c.id)
		}
	}
	for _, c := range a.claims {
		if c.id == "" || c.namespace == "" {
			continue
		}
		maps.DeleteFunc(ids, func(id, namespace string) bool { return namespace == c.namespace && id != c.id })
		ids[c.id] = c.namespace
	}
	if maps.Equal(ids, p.memory.NamespaceIDs) {
		return nil
	}
	return ids
}

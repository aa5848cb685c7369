package collect

import (
	"context"
	"maps"

	"heapstash/archive/collect/metricexport"
	"heapstash/schema"
)

// findNamespaces decides on the namespaces of metric-export's sets as far as
// possible without another request to Heapster. It uses, in this order, the label
// pod_namespace, names that only one namespace has, the values of the same batch,
// ids that earlier passes learned, and the Kubernetes API.
func (p *pass) findNamespaces(ctx context.Context, a *metricexport.Attribution) {
	a.Hear(p.shown)
	uids := make(map[string]schema.Entity, len(p.memory.Identities))
	for pod, identity := range p.memory.Identities {
		uids[identity.UID] = pod
	}
	a.Recall(p.memory.NamespaceIDs, uids)
	if p.Enricher == nil || len(a.Open()) == 0 {
		return
	}
	// An error of Kubernetes becomes a hole in enrich.
	clear(uids)
	pods, _ := p.kubernetesPods(ctx, false)
	for _, identity := range pods {
		uids[identity.UID] = identity.Pod
	}
	a.Recall(nil, uids)
	if len(a.Open()) == 0 {
		return
	}
	namespaces, _ := p.kubernetesNamespaces(ctx)
	names := make(map[string]string, len(namespaces))
	for _, namespace := range namespaces {
		names[namespace.UID] = namespace.Name
	}
	a.Recall(names, nil)
}

// relist reports whether the lists are of the export's batch. If a batch came
// between them, it reads the lists again.
func (p *pass) relist(ctx context.Context, at schema.Instant, found *discovery) bool {
	if at == p.record.Horizon || at == 0 {
		return true
	}
	if at < p.record.Horizon || !found.lists.Whole {
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
	clear(found.lists.Namespaces)
	for _, e := range found.sort(entities) {
		if p.wants(e) || e.Kind == schema.Node {
			found.add(e, p.memory)
		}
	}
	return true
}

// learnedIDs returns the names of all namespaces whose ids are known, by id; nil
// if the store has the same.
func (p *pass) learnedIDs() map[string]string {
	a := p.metricExport.attribution
	if a == nil {
		return nil
	}
	exists := a.Listed()
	for e := range p.memory.Entities {
		if e.Kind == schema.Namespace {
			exists[e.Namespace] = true
		}
	}
	ids := a.Learned(p.memory.NamespaceIDs, exists)
	if maps.Equal(ids, p.memory.NamespaceIDs) {
		return nil
	}
	return ids
}

package collect

import (
	"cmp"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// identities returns the identities of the listed pods that the export has.
func (p *pass) identities(found discovery) []schema.Identity {
	if p.metricExport.attribution == nil {
		return nil
	}
	identities := p.metricExport.attribution.Identities(cmp.Or(p.metricExport.at, p.timeline.Seen()))
	identities = slices.DeleteFunc(identities, func(i schema.Identity) bool { return !found.present[i.Pod] })
	for n, i := range identities {
		if known := p.memory.Identities[i.Pod]; known.UID == i.UID {
			identities[n].Owner = known.Owner // the export does not have it
		}
	}
	return identities
}

// checkUIDs notes the wanted pods whose labels metric-export has without a uid.
// Labels belong to an incarnation, which only the uid identifies. The Kubernetes
// API has both.
func (p *pass) checkUIDs() {
	a := p.metricExport.attribution
	if a == nil {
		return
	}
	noted := make(map[schema.Entity]bool)
	for e, set := range a.Candidates(a.Claims) {
		if e.Kind == schema.Pod && set.PodUID == "" && set.PodLabels != "" && p.wants(e) && p.present[e] {
			noted[e] = true
		}
	}
	if len(noted) == 0 {
		return
	}
	if p.metricExport.uidless = true; p.Enricher != nil {
		return
	}
	p.noteFirst(map[schema.Kind][]schema.Entity{schema.Pod: sorted(noted)}, archive.Hole{
		Cause: archive.CauseExport, Lasting: true,
		Hint: "set collect.enrich: true: the Kubernetes API has the uids and the labels of pods",
	}, "metric-export has no uid (pod_id) of pods: their incarnations and their labels are not stored. The first of %d is %v")
}

// changed returns the identities that the store does not have.
func (p *pass) changed(identities []schema.Identity) []schema.Identity {
	return slices.DeleteFunc(slices.Clone(identities), func(i schema.Identity) bool {
		known, ok := p.memory.Identities[i.Pod]
		i.Since = known.Since
		return ok && i == known
	})
}

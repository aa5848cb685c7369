package collect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// identities are those of the wanted pods that the export names. A set without
// values is of the batch too.
func (p *pass) identities(found discovery) []schema.Identity {
	if p.export.whose == nil {
		return nil
	}
	at := cmp.Or(p.export.at, p.seen())
	pods := make(map[schema.Entity]*schema.Identity)
	images := make(map[schema.Entity][]string)
	for _, c := range p.export.whose.claims {
		for _, set := range c.sets {
			pod := schema.PodEntity(c.namespace, set.Entity.Pod)
			switch {
			case c.namespace == "" || !found.present[pod]:
			case set.Entity.Kind == schema.Pod && set.PodUID != "":
				pods[pod] = &schema.Identity{Pod: pod, UID: set.PodUID, Node: set.Node, Labels: set.PodLabels, Since: at}
				if known := p.memory.Identities[pod]; known.UID == set.PodUID {
					pods[pod].Owner = known.Owner // of which the export knows nothing
				}
			case set.Entity.Kind == schema.Container && set.BaseImage != "":
				images[pod] = append(images[pod], set.Entity.Container+"="+set.BaseImage)
			}
		}
	}
	identities := make([]schema.Identity, 0, len(pods))
	for pod, identity := range pods {
		slices.Sort(images[pod])
		identity.Images = strings.Join(images[pod], ",")
		identities = append(identities, *identity)
	}
	slices.SortFunc(identities, func(a, b schema.Identity) int { return compareEntities(a.Pod, b.Pod) })
	return identities
}

// withoutUID notes the wanted pods whose labels metric-export has, but no uid:
// labels are an incarnation's, and without a uid none is known. Kubernetes
// tells both where it is asked.
func (p *pass) withoutUID() {
	if p.export.whose == nil {
		return
	}
	var pods []schema.Entity
	noted := make(map[schema.Entity]bool)
	for _, c := range p.export.whose.claims {
		for _, set := range c.sets {
			if set.Entity.Kind != schema.Pod || set.PodUID != "" || set.PodLabels == "" {
				continue
			}
			for _, namespace := range p.export.whose.suspects(c, set) {
				if pod := schema.PodEntity(namespace, set.Entity.Pod); p.wants(pod) && p.present[pod] && !noted[pod] {
					noted[pod] = true
					pods = append(pods, pod)
				}
			}
		}
	}
	if len(pods) == 0 {
		return
	}
	if p.export.uidless = true; p.Enricher != nil {
		return
	}
	slices.SortFunc(pods, compareEntities)
	p.hole(archive.Hole{
		Entity: schema.Entity{Kind: schema.Pod}, Cause: archive.CauseExport, Lasting: true,
		Detail: fmt.Sprintf("metric-export has no uid (pod_id) of pods: their incarnations and their labels are not stored. The first of %d is %v", len(pods), pods[0]),
		Hint:   "set collect.enrich: true: the Kubernetes API has the uids and the labels of pods",
	})
}

// news returns the identities that are not those which the store has.
func (p *pass) news(identities []schema.Identity) []schema.Identity {
	return slices.DeleteFunc(slices.Clone(identities), func(i schema.Identity) bool {
		known, ok := p.memory.Identities[i.Pod]
		i.Since = known.Since
		return ok && i == known
	})
}

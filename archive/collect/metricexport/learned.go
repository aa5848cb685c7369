package metricexport

import (
	"maps"
	"slices"
	"strings"

	"heapstash/schema"
)

// Learned returns the namespaces' names by id: the known ones and the ones that
// were found. It forgets the id of a namespace that does not exist any more or
// that has another id now, and an id that contradicts what was found.
func (a *Attribution) Learned(known map[string]string, exists map[string]bool) map[string]string {
	ids := maps.Clone(known)
	if ids == nil {
		ids = make(map[string]string)
	}
	maps.DeleteFunc(ids, func(_, namespace string) bool { return !exists[namespace] })
	for _, c := range a.Claims {
		if c.id != "" && !a.mayBe(c, ids[c.id]) {
			delete(ids, c.id)
		}
	}
	for _, c := range a.Claims {
		if c.id == "" || c.Namespace == "" {
			continue
		}
		maps.DeleteFunc(ids, func(id, namespace string) bool { return namespace == c.Namespace && id != c.id })
		ids[c.id] = c.Namespace
	}
	return ids
}

// Listed returns the namespaces that list a pod or a container, or whose list
// could not be read.
func (a *Attribution) Listed() map[string]bool {
	listed := make(map[string]bool)
	for _, namespaces := range a.lists.Namespaces {
		for _, namespace := range namespaces {
			listed[namespace] = true
		}
	}
	for _, namespace := range a.lists.Unread {
		listed[namespace] = true
	}
	return listed
}

// Identities returns the identities of the pods that claims with a namespace
// have, sorted by pod. A set without values is of the batch too.
func (a *Attribution) Identities(at schema.Instant) []schema.Identity {
	pods := make(map[schema.Entity]*schema.Identity)
	images := make(map[schema.Entity][]string)
	for _, c := range a.Claims {
		if c.Namespace == "" {
			continue
		}
		for _, set := range c.Sets {
			pod := schema.PodEntity(c.Namespace, set.Entity.Pod)
			switch {
			case set.Entity.Kind == schema.Pod && set.PodUID != "":
				pods[pod] = &schema.Identity{Pod: pod, UID: set.PodUID, Node: set.Node, Labels: set.PodLabels, Since: at}
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
	slices.SortFunc(identities, func(a, b schema.Identity) int { return a.Pod.Compare(b.Pod) })
	return identities
}

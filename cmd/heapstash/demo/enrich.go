package demo

import (
	"context"

	"heapstash/schema"
)

// Pods returns the pods as Kubernetes would. With [Story.Namespaces] it makes a story a
// [collect.Enricher].
func (s *Story) Pods(context.Context, bool) ([]schema.Identity, error) {
	all := s.identities(s.latest)
	for i := range all {
		all[i].Since = 0
	}
	return all, nil
}

// Namespaces returns every namespace of the latest batch.
func (s *Story) Namespaces(context.Context) ([]schema.NamespaceIdentity, error) {
	var all []schema.NamespaceIdentity
	for _, set := range s.latest.Sets {
		if name := set.Entity.Namespace; set.Entity.Kind == schema.Namespace {
			all = append(all, schema.NamespaceIdentity{Name: name, UID: set.Attributes["namespace_id"], Labels: teams()[name]})
		}
	}
	return all, nil
}

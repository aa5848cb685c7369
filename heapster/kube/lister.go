package kube

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"heapstash/heapster"
	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Lister reads pods and namespaces from an apiserver. Its methods may be called
// concurrently. They return the same errors as [heapster.Client].
type Lister struct {
	metadata *heapster.Client // asks for the metadata of objects only
	whole    *heapster.Client
}

// metadataOnly is for Kubernetes 1.15 and later. Older servers send whole objects.
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json"

// pageLimits are the limits of a page. Servers before Kubernetes 1.9 send all objects
// in one page, and an object may have 1.5 MB.
func pageLimits() wire.Limits { return wire.Limits{Answer: 1e9, Text: 2e6} }

// NewLister returns a lister of the connection's apiserver. It makes no request, and
// replaces the options that lists need otherwise.
func NewLister(c Connection, opts heapster.Options) (*Lister, error) {
	opts.Limits = pageLimits()
	whole, err := heapster.New(c.HTTP, c.API, opts)
	if err != nil {
		return nil, err
	}
	opts.Accept = metadataOnly
	metadata, err := heapster.New(c.HTTP, c.API, opts)
	return &Lister{metadata, whole}, err
}

// pod is a pod with its controller, if it has one.
type pod struct {
	schema.Identity
	controller reference
}

// Pods returns all pods with their owners. The owner is the pod's controller, or the
// controller of that if it is a ReplicaSet or a Job. Labels and images are spelled
// as Heapster spells them. Nodes and images are set only with whole objects,
// because metadata does not have them. Since is empty.
func (l *Lister) Pods(ctx context.Context, whole bool) ([]schema.Identity, error) {
	client := l.metadata
	if whole {
		client = l.whole
	}
	pods, err := list(ctx, client, "/api/v1/pods", func(o object) (pod, bool) {
		return pod{o.identity(), o.controller()}, true
	})
	if err != nil {
		return nil, err
	}
	above := make(map[string]reference) // by the UID of the controlled object
	for _, m := range intermediates() {
		wanted := make(map[string]bool)
		for _, p := range pods {
			if p.controller.Kind == m.kind {
				wanted[p.controller.UID] = true
			}
		}
		if err := l.controllers(ctx, m, wanted, above); err != nil {
			return nil, err
		}
	}
	identities := make([]schema.Identity, len(pods))
	for i, p := range pods {
		owner := cmp.Or(above[p.controller.UID], p.controller)
		p.Owner = schema.Owner{Kind: owner.Kind, Name: owner.Name}
		identities[i] = p.Identity
	}
	return identities, nil
}

// intermediate is a kind between a pod and the workload that the user made.
type intermediate struct {
	kind  string
	paths []string // the paths of its list, the newest first
}

func intermediates() []intermediate {
	return []intermediate{
		{"ReplicaSet", []string{"/apis/apps/v1/replicasets", "/apis/extensions/v1beta1/replicasets"}}, // up to Kubernetes 1.8
		{"Job", []string{"/apis/batch/v1/jobs"}},
	}
}

// controllers adds the controllers of the wanted intermediates to above. It sends no
// request if none is wanted.
func (l *Lister) controllers(ctx context.Context, m intermediate, wanted map[string]bool, above map[string]reference) error {
	if len(wanted) == 0 {
		return nil
	}
	type link struct {
		uid        string
		controller reference
	}
	var links []link
	var err error
	for _, path := range m.paths {
		links, err = list(ctx, l.metadata, path, func(o object) (link, bool) {
			return link{o.Metadata.UID, o.controller()}, wanted[o.Metadata.UID]
		})
		if !errors.Is(err, schema.ErrNotFound) {
			break
		}
	}
	for _, found := range links {
		above[found.uid] = found.controller
	}
	return err
}

// Namespaces returns all namespaces. Their labels are spelled as Heapster
// spells pods': key:value pairs, sorted, joined by commas.
func (l *Lister) Namespaces(ctx context.Context) ([]schema.NamespaceIdentity, error) {
	return list(ctx, l.metadata, "/api/v1/namespaces", func(o object) (schema.NamespaceIdentity, bool) {
		return schema.NamespaceIdentity{Name: o.Metadata.Name, UID: o.Metadata.UID, Labels: o.labels()}, true
	})
}

// labels spells the labels as Heapster does (its metrics/util/label_copier.go).
func (o object) labels() string {
	pairs := make([]string, 0, len(o.Metadata.Labels))
	for key, value := range o.Metadata.Labels {
		pairs = append(pairs, key+":"+value)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}

func (o object) identity() schema.Identity {
	images := make([]string, len(o.Spec.Containers))
	for i, c := range o.Spec.Containers {
		images[i] = c.Name + "=" + c.Image
	}
	slices.Sort(images)
	return schema.Identity{
		Pod:    schema.PodEntity(o.Metadata.Namespace, o.Metadata.Name),
		UID:    o.Metadata.UID,
		Node:   o.Spec.NodeName,
		Labels: o.labels(),
		Images: strings.Join(images, ","),
	}
}

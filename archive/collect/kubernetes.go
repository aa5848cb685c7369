package collect

import (
	"context"

	"heapstash/schema"
)

// kubernetes is what the Kubernetes API answered in this pass. It is asked once.
type kubernetes struct {
	pods       []schema.Identity
	podsErr    error
	askedPods  bool
	whole      bool // pods have nodes and images
	namespaces []schema.NamespaceIdentity
	namesErr   error
	askedNames bool
}

// kubernetesPods returns the pods; only whole ones have nodes and images.
func (p *pass) kubernetesPods(ctx context.Context, whole bool) ([]schema.Identity, error) {
	k := &p.kube
	if !k.askedPods || whole && !k.whole && k.podsErr == nil {
		k.pods, k.podsErr = p.Enricher.Pods(ctx, whole)
		k.askedPods, k.whole = true, whole
	}
	return k.pods, k.podsErr
}

func (p *pass) kubernetesNamespaces(ctx context.Context) ([]schema.NamespaceIdentity, error) {
	k := &p.kube
	if !k.askedNames {
		k.namespaces, k.namesErr = p.Enricher.Namespaces(ctx)
		k.askedNames = true
	}
	return k.namespaces, k.namesErr
}

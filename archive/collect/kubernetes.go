package collect

import (
	"context"

	"heapstash/schema"
)

// kubernetes is what the enricher answered in this pass: it is asked once.
type kubernetes struct {
	pods       []schema.Identity
	podsErr    error
	askedPods  bool
	whole      bool
	namespaces []schema.NamespaceIdentity
	namesErr   error
	askedNames bool
}

// kubernetesPods returns the pods, with nodes and images if they are to be
// whole.
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

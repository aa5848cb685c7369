package doctor

import (
	"context"
	"errors"

	"heapstash/heapster/kube"
	"heapstash/schema"
)

// Enrichment says whether the Kubernetes API answers the requests of collect.enrich. It
// makes all of them.
func Enrichment(ctx context.Context, l *kube.Lister) Finding {
	const name = "enrichment"
	pods, err := l.Pods(ctx, false)
	if err != nil {
		return unenriched(name, "pods' owners", err)
	}
	namespaces, err := l.Namespaces(ctx)
	if err != nil {
		return unenriched(name, "namespaces' labels", err)
	}
	return ok(name, "the Kubernetes API tells the owners of %d pods and the labels of %d namespaces", len(pods), len(namespaces))
}

func unenriched(name, what string, err error) Finding {
	fix := schema.HintOf(err)
	if errors.Is(err, schema.ErrRefused) {
		fix = "collect.enrich is true: give heapstash's user the ClusterRole of deploy/kubernetes/components/enrich, or make it false"
	}
	return warning(name, fix, "the Kubernetes API does not tell %s: %v", what, err)
}

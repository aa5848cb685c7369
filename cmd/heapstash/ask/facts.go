package ask

import (
	"context"

	"heapstash/archive/query"
	"heapstash/schema"
)

// NoOwners says why the owners of pods are not known.
const NoOwners = "the archive knows no owners of pods: set collect.enrich, and passes ask the Kubernetes API for them"

// OwnersKnown reports whether the archive knows the owner of any pod.
func OwnersKnown(ctx context.Context, a query.Archive) (bool, error) {
	owners, err := a.Names(ctx, query.Query{Kind: schema.Pod}, "owner")
	return len(owners) > 0, err
}

// PodsEnd returns the moment behind the newest sample of pods, zero if there are
// none.
func PodsEnd(ctx context.Context, a query.Archive) (schema.Instant, error) {
	q := query.Query{Kind: schema.Pod}
	q.Metric, _ = schema.Lookup("cpu/usage_rate")
	c, err := a.Coverage(ctx, q)
	return c.End(), err
}

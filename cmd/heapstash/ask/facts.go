package ask

import (
	"context"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// NoOwners says why the owners of pods are not known.
const NoOwners = "the archive knows no owners of pods: set collect.enrich, and passes ask the Kubernetes API for them"

// OwnersKnown reports whether the archive knows the owner of any pod.
func OwnersKnown(ctx context.Context, reader *engine.Reader) (bool, error) {
	known, err := texts(ctx, reader, "SELECT '' FROM pod_identities WHERE owner IS NOT NULL LIMIT 1", nil)
	return len(known) > 0, err
}

// PodsEnd returns the moment behind the newest sample of pods, zero if there are
// none.
func PodsEnd(ctx context.Context, reader *engine.Reader) (schema.Instant, error) {
	q := query.Query{Kind: schema.Pod}
	q.Metric, _ = schema.Lookup("cpu/usage_rate")
	c, err := reader.Coverage(ctx, q)
	return c.End(), err
}

package ask

import (
	"context"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/engine"
	"heapstash/schema"
)

// NoOwners says why there are none.
const NoOwners = "the archive knows no owners of pods: set collect.enrich, and passes ask the Kubernetes API for them"

// ReportFacts are up to when there are samples of pods, zero if there are none, and
// whether owners are known.
func ReportFacts(ctx context.Context, reader *engine.Reader) (end schema.Instant, owners bool, err error) {
	q := query.Query{Kind: schema.Pod}
	q.Metric, _ = schema.Lookup("cpu/usage_rate")
	c, err := reader.Coverage(ctx, q)
	if err != nil {
		return 0, false, err
	}
	known, err := Texts(ctx, reader, "SELECT '' FROM pod_identities WHERE owner IS NOT NULL LIMIT 1", nil)
	return c.End(), len(known) > 0, err
}

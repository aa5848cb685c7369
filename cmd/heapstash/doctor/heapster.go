package doctor

import (
	"context"
	"time"

	"heapstash/heapster"
	"heapstash/schema"
)

// Heapster checks the features and the batches of a Heapster that answers. Its requests
// go through the clock; now returns the local time.
func Heapster(ctx context.Context, c *heapster.Client, clock *Clock, now func() time.Time) (Report, Observation) {
	report := Features(ctx, c)
	o, err := Observe(ctx, c)
	if err != nil {
		return append(report, fault("resolution", schema.HintOf(err), "the cluster's series do not answer: %v", err)), o
	}
	ahead, _ := clock.Ahead()
	return append(report,
		Resolution(o),
		Freshness(ctx, c, o, now().Add(ahead)),
		clock.Skew(),
	), o
}

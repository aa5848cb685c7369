package doctor

import (
	"context"
	"slices"
	"time"

	"heapstash/heapster"
	"heapstash/schema"
)

// Observation is what Heapster shows of its own batches.
type Observation struct {
	// Long are the times of the batches of which two metrics are visible,
	// Short those that are visible whole. Both are in order.
	Long, Short []schema.Instant
}

// Observe reads one long and one short metric of the cluster, or of what else
// has them.
func Observe(ctx context.Context, c *heapster.Client) (Observation, error) {
	candidates := []schema.Entity{schema.ClusterEntity()}
	for {
		e := candidates[0]
		candidates = candidates[1:]
		o, err := observe(ctx, c, e)
		if err != nil || len(o.Long) > 0 {
			return o, err
		}
		if e.Kind == schema.Cluster {
			nodes, err := c.Nodes(ctx)
			if err != nil {
				return Observation{}, err
			}
			for _, node := range nodes[:min(5, len(nodes))] {
				candidates = append(candidates, schema.NodeEntity(node))
			}
		}
		if len(candidates) == 0 {
			return Observation{}, nil
		}
	}
}

func observe(ctx context.Context, c *heapster.Client, e schema.Entity) (Observation, error) {
	names, err := c.MetricNames(ctx, e)
	if err != nil {
		return Observation{}, err
	}
	var o Observation
	for _, m := range names {
		times := &o.Short
		if metric, known := schema.Lookup(m); known && metric.Long {
			times = &o.Long
		}
		if len(*times) > 0 {
			continue
		}
		points, err := c.Series(ctx, e, m, 0)
		if err != nil {
			return Observation{}, err
		}
		for _, p := range points {
			*times = append(*times, p.At)
		}
		slices.Sort(*times)
		*times = slices.Compact(*times)
	}
	return o, nil
}

// Newest returns the newest batch; None if there is none.
func (o Observation) Newest() schema.Instant {
	if len(o.Long) == 0 {
		return 0
	}
	return o.Long[len(o.Long)-1]
}

// Resolution returns the least time between two batches. It is not known
// where fewer than two are visible.
func (o Observation) Resolution() (step time.Duration, known bool) {
	for i := 1; i < len(o.Long); i++ {
		if d := o.Long[i].Sub(o.Long[i-1]); step == 0 || d < step {
			step = d
		}
	}
	return step, step > 0
}

package doctor

import (
	"context"
	"slices"
	"time"

	"heapstash/heapster"
	"heapstash/schema"
)

// Observation is the batches that Heapster shows.
type Observation struct {
	// Long are the times of all visible batches, Short of the batches with all
	// metrics: older ones have two metrics only. Both are in order.
	Long, Short []schema.Instant
}

// Observe reads a metric that Heapster keeps long and one that it keeps short, of the
// cluster or of another entity that has them.
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
			nodes, err := c.List(ctx, schema.Node, schema.ClusterEntity())
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

// Newest returns the time of the newest batch, zero if there is none.
func (o Observation) Newest() schema.Instant {
	if len(o.Long) == 0 {
		return 0
	}
	return o.Long[len(o.Long)-1]
}

// Resolution returns the least time between two batches. It is not known if fewer than
// two are visible.
func (o Observation) Resolution() (step time.Duration, known bool) {
	for i := 1; i < len(o.Long); i++ {
		if d := o.Long[i].Sub(o.Long[i-1]); step == 0 || d < step {
			step = d
		}
	}
	return step, step > 0
}

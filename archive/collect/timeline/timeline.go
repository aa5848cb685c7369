package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// readCluster reads the cluster's own series, all that is visible of them. It
// comes before every other request of data: the newest batch of the first
// series is the pass's horizon, for whatever is asked later shows that batch
// whole.
func (p *pass) readCluster(ctx context.Context) ([]schema.Row, error) {
	entity := schema.ClusterEntity()
	names, err := p.source.MetricNames(ctx, entity)
	if err != nil {
		return nil, err
	}
	metrics := namesOf(schema.MetricsOf(schema.Cluster))
	// The long ones first: theirs is the best view of what batches there were.
	slices.SortStableFunc(metrics, func(a, b schema.MetricName) int { return long(b) - long(a) })
	for _, m := range names {
		if !slices.Contains(metrics, m) {
			metrics = append(metrics, m)
		}
	}
	rows := newRows()
	var longTimes, shortTimes []schema.Instant
	for _, m := range metrics {
		points, err := p.source.Series(ctx, entity, m, 0)
		if err == nil {
			err = p.take(len(points))
		}
		if err != nil {
			return nil, err
		}
		if p.record.Horizon == 0 {
			p.record.Horizon = newest(points)
		}
		for _, point := range points {
			if long(m) == 1 {
				longTimes = append(longTimes, point.At)
			} else {
				shortTimes = append(shortTimes, point.At)
			}
		}
		rows.add(entity, m, points)
	}
	longTimes, shortTimes = distinct(longTimes), distinct(shortTimes)
	p.batches = distinct(slices.Concat(longTimes, shortTimes))
	p.step = resolution(longTimes, shortTimes)
	if len(shortTimes) > 0 {
		p.oldest = shortTimes[0]
		p.findGap()
	}
	if !p.wants(entity) {
		return nil, nil
	}
	p.record.Entities++
	return rows.all(), nil
}

// long is 1 for the metrics that Heapster keeps for 15 minutes.
func long(m schema.MetricName) int {
	if metric, ok := schema.Lookup(m); ok && metric.Long {
		return 1
	}
	return 0
}

// probe finds a horizon where the cluster has no series of its own: in the
// first of the entities listed that has one.
func (p *pass) probe(ctx context.Context, listed []schema.Entity) error {
	const tries = 5
	for _, e := range listed[:min(tries, len(listed))] {
		for _, m := range schema.MetricsOf(e.Kind) {
			if !m.Long {
				continue
			}
			points, err := p.source.Series(ctx, e, m.Name, 0)
			if err != nil {
				return err
			}
			if p.record.Horizon = newest(points); p.record.Horizon > 0 {
				return nil
			}
		}
	}
	return nil
}

// findGap notes what was lost since the pass before.
func (p *pass) findGap() {
	lost, window := p.lostSince(p.memory.Horizon)
	if lost <= 0 {
		return
	}
	p.record.Gap = lost
	pause := p.record.Horizon.Sub(p.memory.Horizon)
	if p.leapt() {
		pause = p.Now().Sub(p.lastPass()).Round(time.Second)
	}
	p.hole(p.gapHole(lost, pause, window))
}

// gapHole is what was lost since the pass before, so long ago.
func (p *pass) gapHole(lost, pause time.Duration, window schema.Window) archive.Hole {
	h := archive.Hole{Cause: archive.CauseLate, Window: window,
		Detail: fmt.Sprintf("%v of samples were gone before this pass came, %v after the last: run it every minute", lost, pause)}
	switch knows := len(p.batches) > 0 && p.batches[0] <= p.memory.Horizon; {
	case p.memory.Failure != "":
		h.Cause = archive.CauseFailed
		h.Detail = fmt.Sprintf("%v of samples were gone before this pass came, %v after the last good one: %s", lost, pause, p.memory.Failure)
	case !knows && pause < schema.LongRetention-p.step:
		h.Cause = archive.CauseRestarted
		h.Detail = fmt.Sprintf("Heapster was restarted or stood still and shows nothing of %v", lost)
	}
	return h
}

// lostSince tells how much time Heapster has dropped since a batch that was
// read whole, and which. Of the last 15 minutes all batches are known, if only
// by two metrics; before that, one is taken to have come at every step.
func (p *pass) lostSince(last schema.Instant) (time.Duration, schema.Window) {
	if last == 0 || p.oldest <= last || p.record.Horizon <= last {
		return 0, schema.Window{}
	}
	if p.leapt() && p.oldest.Time().Sub(p.Now()) > farAhead {
		lost := p.lostByLocalClock(last)
		return lost, schema.Window{From: last.Add(p.step), To: last.Add(p.step+lost) - 1}
	}
	window := schema.Window{From: last.Add(p.step), To: p.oldest - 1}
	if len(p.batches) == 0 || p.batches[0] > last {
		return p.oldest.Sub(last) - p.step, window
	}
	var lost time.Duration
	for _, at := range p.batches {
		if at > last && at < p.oldest {
			lost += p.step
		}
	}
	return lost, window
}

// resolution is the least distance between two batches, a minute where only
// one is known: Heapster's default.
func resolution(batches ...[]schema.Instant) time.Duration {
	least := time.Duration(0)
	for _, times := range batches {
		for i := 1; i < len(times); i++ {
			d := times[i].Sub(times[i-1])
			if d > schema.LongRetention {
				continue // the clock was set between the two
			}
			if least == 0 || d < least {
				least = d
			}
		}
	}
	if least == 0 {
		return time.Minute
	}
	return least
}

// checkFreshness notes a Heapster that has nothing, or nothing new.
func (p *pass) checkFreshness(ctx context.Context, listed bool) {
	if p.record.Horizon == 0 {
		detail := "Heapster lists nothing and has no samples: it was just started, or it reaches no kubelet"
		if listed {
			detail = "Heapster lists entities and shows no sample of them"
		}
		p.hole(archive.Hole{Cause: archive.CauseEmpty, Detail: detail})
		return
	}
	age := p.Now().Sub(p.record.Horizon.Time()).Round(time.Second)
	if age <= schema.StaleAge {
		return
	}
	// Old by the local clock. Where Heapster calls itself well, the clocks
	// differ; where it does not say, it counts as stale.
	if err := p.source.Healthz(ctx); err == nil {
		p.Log.Warn("Heapster's clock differs from the local one", "behind", age)
		return
	} else if errors.Is(err, context.Canceled) || errors.Is(err, schema.ErrBudget) {
		return
	}
	p.hole(archive.Hole{
		Cause:  archive.CauseStale,
		Detail: fmt.Sprintf("Heapster's newest batch is %v old: look at its log for kubelets that do not answer", age),
	})
}

func newest(points []schema.Point) schema.Instant {
	var at schema.Instant
	for _, point := range points {
		at = max(at, point.At)
	}
	return at
}

// distinct sorts times and drops repetitions.
func distinct(times []schema.Instant) []schema.Instant {
	slices.Sort(times)
	return slices.Compact(times)
}

func namesOf(metrics []schema.Metric) []schema.MetricName {
	names := make([]schema.MetricName, len(metrics))
	for i, m := range metrics {
		names[i] = m.Name
	}
	return names
}

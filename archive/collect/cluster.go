package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// readCluster reads the cluster's own series, with all their visible samples,
// before anything else. The newest batch of the first series is the pass's
// horizon: every later answer shows that batch whole.
func (p *pass) readCluster(ctx context.Context) ([]schema.Row, error) {
	entity := schema.ClusterEntity()
	names, err := p.source.MetricNames(ctx, entity)
	if err != nil {
		return nil, err
	}
	var metrics []schema.MetricName
	for _, long := range []bool{true, false} { // the long ones show the most batches
		for _, m := range schema.MetricsOf(schema.Cluster) {
			if m.Long == long {
				metrics = append(metrics, m.Name)
			}
		}
	}
	for _, m := range names {
		if !slices.Contains(metrics, m) {
			metrics = append(metrics, m)
		}
	}
	rows := fetch.NewRows()
	var long, short []schema.Instant
	for _, m := range metrics {
		points, err := p.source.Series(ctx, entity, m, 0)
		if errors.Is(err, schema.ErrUnaddressable) {
			p.noteNameless(schema.Scope{Kind: schema.Cluster, Part: schema.Plain}, entity, err)
			continue
		}
		if err == nil {
			err = p.take(len(points))
		}
		if err != nil {
			return nil, err
		}
		if p.record.Horizon == 0 {
			p.setHorizon(points)
		}
		for _, point := range points {
			if schema.IsLong(m) {
				long = append(long, point.At)
			} else {
				short = append(short, point.At)
			}
		}
		rows.Add(entity, m, points)
	}
	p.timeline.Observe(long, short)
	if len(short) > 0 {
		p.noteGap(p.timeline.Gap())
	}
	if !p.wants(entity) {
		return nil, nil
	}
	p.record.Entities++
	return rows.All(), nil
}

func (p *pass) setHorizon(points []schema.Point) {
	p.record.Horizon = newest(points)
	p.timeline.Horizon = p.record.Horizon
}

func newest(points []schema.Point) schema.Instant {
	var at schema.Instant
	for _, point := range points {
		at = max(at, point.At)
	}
	return at
}

// findHorizon finds a horizon if the cluster has no series of its own: the
// newest batch of the first listed entity that has one.
func (p *pass) findHorizon(ctx context.Context, listed []schema.Entity) error {
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
			if p.setHorizon(points); p.record.Horizon > 0 {
				return nil
			}
		}
	}
	return nil
}

// noteGap notes the time that was lost since the last pass.
func (p *pass) noteGap(lost time.Duration, hole archive.Hole) {
	if lost > 0 {
		p.record.Gap = lost
		p.hole(hole)
	}
}

// checkFreshness notes that Heapster has no samples, or no new ones.
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
	// The batch is old by the local clock. If Heapster calls itself well, the
	// clocks differ; if it does not answer, the batch counts as stale.
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

// checkClock notes that Heapster's clock was set back, and then forgets the
// watermarks, because new samples are older than they are. It warns at every
// pass of a clock that is far ahead, and notes that once.
func (p *pass) checkClock() {
	t := p.timeline
	if t.Horizon == 0 {
		return
	}
	if t.IsFuture(t.Horizon) {
		now := schema.InstantOf(p.Now())
		p.Log.Warn("Heapster's newest batch lies in the future: set its clock, or the local one", "newest", t.Horizon, "ahead", t.Horizon.Sub(now).String())
		if p.memory.Horizon == 0 || t.Leapt() {
			p.hole(archive.Hole{
				Cause: archive.CauseClock,
				Detail: fmt.Sprintf("Heapster's newest batch is of %v, and the local clock shows %v: samples have Heapster's time",
					t.Horizon, now),
				Hint: "let NTP set the clock of Heapster's node, and the local one",
			})
		}
	}
	if !t.IsSetBack() {
		return
	}
	p.hole(archive.Hole{
		Cause: archive.CauseClock,
		Detail: fmt.Sprintf("Heapster's newest batch is of %v, and the last pass's was of %v: everything visible is asked for again",
			t.Horizon, p.memory.Horizon),
	})
	p.noteGap(t.GapOfSetClock())
	clear(p.memory.Watermarks)
	for pod, identity := range p.memory.Identities {
		if identity.Since > t.Horizon {
			delete(p.memory.Identities, pod) // so that it is stored again, as of now
		}
	}
}

// isLeftover notes that metric-export shows a batch from before Heapster's clock
// was set back. Heapster keeps it as the newest one as long as it lies in the
// future; series end at Heapster's now, and do not show it.
func (p *pass) isLeftover(at schema.Instant) bool {
	if t := p.timeline; t.Horizon == 0 || !t.IsBeyond(at) || !t.IsFuture(at) {
		return false
	}
	p.hole(archive.Hole{
		Cause: archive.CauseExport, Lasting: p.Containers != ContainersExport,
		Detail: fmt.Sprintf("metric-export shows a batch of %v, from before Heapster's clock was set back: only the newest one would show new labelled series and the identities of pods", at),
		Hint:   "restart Heapster, which keeps that batch until then",
	})
	return true
}

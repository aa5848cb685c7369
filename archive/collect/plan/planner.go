// Package plan decides which requests a pass sends. It follows from what the
// archive remembers: up to where each scope was read, and which metrics its
// entities have.
package plan

import (
	"cmp"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect/fetch"
	"heapstash/archive/collect/timeline"
	"heapstash/schema"
)

const (
	// Overlap is how long before its watermark a scope is asked for again:
	// Heapster's scrapes may overlap, and then a batch can appear after a newer
	// one.
	Overlap = 30 * time.Second
	// Afterlife is how long a vanished entity is asked for: until Heapster has
	// evicted the metrics that it keeps for long, and two minutes more for a late
	// batch.
	Afterlife = schema.LongRetention + 2*time.Minute
	// ShortAfterlife is the same for the other metrics: [schema.ShortRetention],
	// and the rest for late batches.
	ShortAfterlife = 5 * time.Minute
)

// Plan is what one stage of a pass asks for.
type Plan struct {
	Requests []fetch.Request
	// Scopes are whole once the requests are answered, even without requests.
	// The value is true if the last pass listed an entity of the scope.
	Scopes   map[schema.Scope]bool
	Entities int
}

// Planner plans the requests of one pass.
type Planner struct {
	Memory   archive.Memory
	Timeline *timeline.Timeline
	// SplitPods divides pods into batches, each for one request.
	SplitPods func(namespace string, pods []string, m schema.MetricName) [][]string
}

// Cover adds the scope of an entity to the plan.
func (p *Planner) Cover(plan *Plan, scope schema.Scope, e schema.Entity) {
	plan.Scopes[scope] = plan.Scopes[scope] || p.ListedBefore(e)
}

// ListedBefore reports whether the last pass listed the entity, so that its scope's
// watermark holds for it.
func (p *Planner) ListedBefore(e schema.Entity) bool {
	lastSeen, known := p.Memory.Entities[e]
	return known && lastSeen == 0
}

// MayBeVisible reports whether Heapster may still have samples of an entity. lastSeen
// is when it was listed last; zero means at the last pass. If batches came and went
// meanwhile, the entity may have been in one of them.
func (p *Planner) MayBeVisible(lastSeen schema.Instant, afterlife time.Duration) bool {
	return lastSeen == 0 || !p.Timeline.IsAttentive() || p.Timeline.Seen().Sub(lastSeen) <= afterlife
}

// Unlabelled plans the requests for the unlabelled series of nodes, namespaces or
// pods. Carried are the metrics that this pass found.
func (p *Planner) Unlabelled(entities []schema.Entity, present map[schema.Entity]bool, carried map[schema.Entity][]schema.MetricName, kinds []schema.Kind) Plan {
	plan := Plan{Scopes: make(map[schema.Scope]bool)}
	pods := newPodRequests()
	common := make(map[schema.Kind][]schema.Metric)
	for _, kind := range kinds {
		common[kind] = schema.CommonMetricsOf(kind)
	}
	for _, e := range entities {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		plan.Entities++
		p.Cover(&plan, e.Scope(), e)
		n := p.NeedsOf(e, e.Scope(), present[e])
		if e.Kind == schema.Pod {
			pods.add(n, "")
			for _, r := range p.More(n, carried[e]) {
				n.start = r.Start
				pods.add(n, r.Metric)
			}
			continue
		}
		plan.Requests = append(plan.Requests, p.Common(n, common[e.Kind])...)
		plan.Requests = append(plan.Requests, p.More(n, carried[e])...)
	}
	plan.Requests = append(plan.Requests, p.pods(pods, common[schema.Pod])...)
	// What the last pass had no time for comes first.
	slices.SortStableFunc(plan.Requests, func(a, b fetch.Request) int {
		return cmp.Compare(p.Memory.Watermarks[a.Scope], p.Memory.Watermarks[b.Scope])
	})
	return plan
}

// Needs are the time from which an entity is asked for in a scope, and whether for
// all metrics.
type Needs struct {
	entity   schema.Entity
	scope    schema.Scope
	start    schema.Instant
	longOnly bool // Heapster has evicted the other metrics
}

// NeedsOf returns what to ask for of an entity, which is listed or not.
func (p *Planner) NeedsOf(e schema.Entity, scope schema.Scope, listed bool) Needs {
	n := Needs{entity: e, scope: scope}
	if watermark := p.WatermarkOf(e, scope); watermark > 0 && p.ListedBefore(e) {
		n.start = watermark.Add(-Overlap)
		if p.RefusedBefore(e) {
			n.start = watermark.Add(-Afterlife) // all of it
		}
	} // otherwise the scope's watermark does not hold for the entity
	n.longOnly = !listed && !p.MayBeVisible(p.Memory.Entities[e], ShortAfterlife)
	return n
}

// Common asks for the metrics that every such entity is asked for. If no pass asked
// the scope for a metric before, it asks for everything that is visible.
func (p *Planner) Common(n Needs, metrics []schema.Metric) []fetch.Request {
	requests := make([]fetch.Request, 0, len(metrics))
	for _, m := range metrics {
		if n.longOnly && !m.Long {
			continue
		}
		r := fetch.Request{Scope: n.scope, Entity: n.entity, Metric: m.Name}
		if p.Memory.Asked[n.scope][m.Name] {
			r.Start = n.start
		}
		requests = append(requests, r)
	}
	return requests
}

// More asks for the other metrics that the entity is known to carry, and for those
// that this pass found.
func (p *Planner) More(n Needs, found []schema.MetricName) []fetch.Request {
	if n.longOnly {
		return nil
	}
	var requests []fetch.Request
	for _, m := range p.Memory.Carried[n.entity] {
		requests = append(requests, fetch.Request{Scope: n.scope, Entity: n.entity, Metric: m, Start: n.start})
	}
	for _, m := range found {
		requests = append(requests, fetch.Request{Scope: n.scope, Entity: n.entity, Metric: m})
	}
	return requests
}

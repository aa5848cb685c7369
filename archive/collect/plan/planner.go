package collect

import (
	"cmp"
	"slices"
	"time"

	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// shortAfterlife is how long a vanished entity is asked for all its metrics:
// [schema.ShortRetention], and the rest for late batches.
const shortAfterlife = 5 * time.Minute

// plan is what one stage of a pass asks for.
type plan struct {
	requests []fetch.Request
	// scopes are whole once the requests are answered, even without requests.
	// The value is true if the last pass listed an entity of the scope.
	scopes   map[schema.Scope]bool
	entities int
}

// cover adds the scope of an entity that the last pass listed, or did not.
func (p *plan) cover(scope schema.Scope, listedBefore bool) {
	p.scopes[scope] = p.scopes[scope] || listedBefore
}

// plan plans the requests for the unlabelled series of nodes, namespaces or pods.
func (p *pass) plan(found discovery, carried map[schema.Entity][]schema.MetricName, kinds []schema.Kind) plan {
	result := plan{scopes: make(map[schema.Scope]bool)}
	pods := newPodRequests()
	common := make(map[schema.Kind][]schema.Metric)
	for _, kind := range kinds {
		common[kind] = schema.CommonMetricsOf(kind)
	}
	for _, e := range slices.Concat(found.listed, found.recent) {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		result.entities++
		result.cover(e.Scope(), p.listedBefore(e))
		n := p.needsOf(e, e.Scope(), found.present[e])
		if e.Kind == schema.Pod {
			pods.add(n)
			pods.addMore(p.more(n, carried[e]))
			continue
		}
		result.requests = append(result.requests, p.common(n, common[e.Kind])...)
		result.requests = append(result.requests, p.more(n, carried[e])...)
	}
	result.requests = append(result.requests, pods.requests(p, common[schema.Pod])...)
	// What the last pass had no time for comes first.
	slices.SortStableFunc(result.requests, func(a, b fetch.Request) int {
		return cmp.Compare(p.memory.Watermarks[a.Scope], p.memory.Watermarks[b.Scope])
	})
	return result
}

// needs are the time from which an entity is asked for in a scope, and whether for
// all metrics.
type needs struct {
	entity   schema.Entity
	scope    schema.Scope
	start    schema.Instant
	longOnly bool // Heapster has evicted the other metrics
}

func (p *pass) needsOf(e schema.Entity, scope schema.Scope, listed bool) needs {
	n := needs{entity: e, scope: scope}
	if watermark := p.watermarkOf(e, scope); watermark > 0 && p.listedBefore(e) {
		n.start = watermark.Add(-overlap)
		if p.refusedBefore(e) {
			n.start = watermark.Add(-afterlife) // all of it
		}
	} // otherwise the scope's watermark does not hold for the entity
	lastSeen := p.memory.Entities[e]
	n.longOnly = !listed && lastSeen != 0 && p.timeline.IsAttentive() && p.timeline.Seen().Sub(lastSeen) > shortAfterlife
	return n
}

// request asks for a metric. If no pass asked the scope for it before, it asks for
// everything that is visible.
func (p *pass) request(n needs, m schema.MetricName) fetch.Request {
	r := fetch.Request{Scope: n.scope, Entity: n.entity, Metric: m}
	if p.memory.Asked[n.scope][m] {
		r.Start = n.start
	}
	return r
}

// common asks for the metrics that every such entity is asked for.
func (p *pass) common(n needs, metrics []schema.Metric) []fetch.Request {
	requests := make([]fetch.Request, 0, len(metrics))
	for _, m := range metrics {
		if m.Long || !n.longOnly {
			requests = append(requests, p.request(n, m.Name))
		}
	}
	return requests
}

// more asks for the other metrics that the entity is known to carry, and for those
// that this pass found.
func (p *pass) more(n needs, found []schema.MetricName) []fetch.Request {
	if n.longOnly {
		return nil
	}
	var requests []fetch.Request
	for _, m := range p.memory.Carried[n.entity] {
		requests = append(requests, fetch.Request{Scope: n.scope, Entity: n.entity, Metric: m, Start: n.start})
	}
	for _, m := range found {
		requests = append(requests, fetch.Request{Scope: n.scope, Entity: n.entity, Metric: m})
	}
	return requests
}

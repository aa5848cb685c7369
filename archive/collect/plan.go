package collect

import (
	"cmp"
	"slices"
	"time"

	"heapstash/schema"
)

// shortAfterlife is how long a vanished entity is asked for all its metrics:
// Heapster's 140 seconds, and the rest for batches that come late.
const shortAfterlife = 5 * time.Minute

// plan is what one stage of a pass asks for.
type plan struct {
	requests []request
	// scopes are those that are whole once the requests are answered, be
	// there any or none: true for those that had somebody at the last pass.
	scopes   map[schema.Scope]bool
	entities int
}

// cover adds a scope, with what one of its entities says of the last pass.
func (p *plan) cover(scope schema.Scope, listedBefore bool) {
	p.scopes[scope] = p.scopes[scope] || listedBefore
}

// request asks for one metric: of one entity, or of several pods of a
// namespace at once.
type request struct {
	scope  schema.Scope
	entity schema.Entity // of several pods, any of them
	pods   []string      // distinct; nil for a request of one entity
	metric schema.MetricName
	start  schema.Instant
}

// size is the number of entities that the request asks for.
func (r request) size() int { return max(1, len(r.pods)) }

// member is the i-th of the entities.
func (r request) member(i int) schema.Entity {
	if r.pods == nil {
		return r.entity
	}
	return schema.PodEntity(r.entity.Namespace, r.pods[i])
}

// plan decides the requests for the unlabelled series of entities of the
// kinds, which are not containers.
func (p *pass) plan(found discovery, fresh map[schema.Entity][]schema.MetricName, kinds []schema.Kind) plan {
	result := plan{scopes: make(map[schema.Scope]bool)}
	pods := newPodRequests()
	common := make(map[schema.Kind][]schema.Metric)
	for _, kind := range kinds {
		common[kind] = schema.CommonMetricsOf(kind)
	}
	for _, e := range slices.Concat(found.listed, found.gone) {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		result.entities++
		result.cover(e.Scope(), p.listedBefore(e))
		n := p.needsOf(e, e.Scope(), found.present[e])
		if e.Kind == schema.Pod {
			pods.add(n)
			pods.addMore(p.more(n, fresh[e]))
			continue
		}
		result.requests = append(result.requests, p.common(n, common[e.Kind])...)
		result.requests = append(result.requests, p.more(n, fresh[e])...)
	}
	result.requests = append(result.requests, pods.requests(p, common[schema.Pod])...)
	// What the last pass had no time for comes first.
	slices.SortStableFunc(result.requests, func(a, b request) int {
		return cmp.Compare(p.memory.Watermarks[a.scope], p.memory.Watermarks[b.scope])
	})
	return result
}

// needs tells from when on an entity is asked for in a scope, and for what.
type needs struct {
	entity   schema.Entity
	scope    schema.Scope
	start    schema.Instant
	longOnly bool // what else Heapster had of it is evicted
}

func (p *pass) needsOf(e schema.Entity, scope schema.Scope, listed bool) needs {
	n := needs{entity: e, scope: scope}
	if watermark := p.watermarkOf(e, scope); watermark > 0 && p.listedBefore(e) {
		n.start = watermark.Add(-overlap)
		if p.refusedBefore(e) {
			n.start = watermark.Add(-afterlife) // all of it
		}
	} // else the scope's watermark says nothing of it
	lastSeen := p.memory.Entities[e]
	n.longOnly = !listed && lastSeen != 0 && p.attentive() && p.seen().Sub(lastSeen) > shortAfterlife
	return n
}

// startFor is from when on a metric is asked for: from the beginning, if the
// scope was not asked for it before.
func (p *pass) startFor(n needs, m schema.MetricName) schema.Instant {
	if !p.memory.Asked[n.scope][m] {
		return 0
	}
	return n.start
}

// common asks for the metrics that every such entity is asked for.
func (p *pass) common(n needs, metrics []schema.Metric) []request {
	requests := make([]request, 0, len(metrics))
	for _, m := range metrics {
		if m.Long || !n.longOnly {
			requests = append(requests, request{scope: n.scope, entity: n.entity, metric: m.Name, start: p.startFor(n, m.Name)})
		}
	}
	return requests
}

// more asks for the metrics that the entity is known to carry besides, and for
// those that were found only now.
func (p *pass) more(n needs, fresh []schema.MetricName) []request {
	if n.longOnly {
		return nil
	}
	var requests []request
	for _, m := range p.memory.Carried[n.entity] {
		requests = append(requests, request{scope: n.scope, entity: n.entity, metric: m, start: n.start})
	}
	for _, m := range fresh {
		requests = append(requests, request{scope: n.scope, entity: n.entity, metric: m})
	}
	return requests
}

// attentive reports whether no batch came and went between this pass and the
// one before. If one did, whatever ended earlier may have been back in it.
func (p *pass) attentive() bool {
	missed := 0
	for _, at := range p.batches {
		if at > p.memory.Horizon {
			missed++
		}
	}
	return missed <= 1 && p.oldest <= p.memory.Horizon.Add(p.step)
}

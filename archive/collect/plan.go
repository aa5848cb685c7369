package collect

import (
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
	entities int
}

// request asks for one metric: of one entity, or of several pods of a
// namespace at once.
type request struct {
	scope    schema.Scope
	entities []schema.Entity
	metric   schema.MetricName
	start    schema.Instant
}

// plan decides the requests for the entities of the kinds.
func (p *pass) plan(found discovery, fresh map[schema.Entity][]schema.MetricName, kinds []schema.Kind) plan {
	var result plan
	var pods podRequests
	for _, kind := range kinds {
		registry := schema.MetricsOf(kind)
		for i, e := range slices.Concat(found.listed, found.gone) {
			if e.Kind != kind {
				continue
			}
			result.entities++
			listed := i < len(found.listed)
			for _, r := range p.requestsFor(e, listed, registry, fresh[e]) {
				if kind == schema.Pod {
					pods.add(r)
				} else {
					result.requests = append(result.requests, r)
				}
			}
		}
	}
	result.requests = append(result.requests, pods.batches(p.source)...)
	return result
}

// requestsFor returns a request for each of the entity's metrics.
func (p *pass) requestsFor(e schema.Entity, listed bool, registry []schema.Metric, fresh []schema.MetricName) []request {
	scope := e.Scope()
	lastSeen, known := p.memory.Entities[e]
	start := p.memory.Watermarks[scope]
	if start > 0 {
		start = start.Add(-overlap)
	}
	if !known || lastSeen != 0 {
		start = 0 // the scope's watermark says nothing of it
	}
	longDead := !listed && lastSeen != 0 && p.seen().Sub(lastSeen) > shortAfterlife

	var requests []request
	ask := func(m schema.MetricName, start schema.Instant) {
		requests = append(requests, request{scope, []schema.Entity{e}, m, start})
	}
	for _, m := range registry {
		switch {
		case longDead && !m.Long:
		case p.memory.Asked[scope][m.Name]:
			ask(m.Name, start)
		default:
			ask(m.Name, 0)
		}
	}
	if longDead {
		return requests
	}
	for _, m := range p.memory.Carried[e] {
		ask(m, start)
	}
	for _, m := range fresh {
		ask(m, 0)
	}
	return requests
}

// podRequests joins requests for single pods that differ in the pod alone.
type podRequests struct {
	groups []request
	index  map[podGroup]int
}

type podGroup struct {
	namespace string
	metric    schema.MetricName
	start     schema.Instant
}

func (g *podRequests) add(r request) {
	key := podGroup{r.scope.Name, r.metric, r.start}
	i, ok := g.index[key]
	if !ok {
		if g.index == nil {
			g.index = make(map[podGroup]int)
		}
		i = len(g.groups)
		g.index[key] = i
		g.groups = append(g.groups, request{scope: r.scope, metric: r.metric, start: r.start})
	}
	g.groups[i].entities = append(g.groups[i].entities, r.entities...)
}

// batches cuts the joined requests to the sizes that the source can ask for.
func (g *podRequests) batches(source PodReader) []request {
	var requests []request
	for _, group := range g.groups {
		names := make([]string, len(group.entities))
		for i, e := range group.entities {
			names[i] = e.Pod
		}
		for _, batch := range source.SplitPods(group.scope.Name, names, group.metric) {
			r := group
			r.entities = make([]schema.Entity, len(batch))
			for i, name := range batch {
				r.entities[i] = schema.PodEntity(group.scope.Name, name)
			}
			requests = append(requests, r)
		}
	}
	return requests
}

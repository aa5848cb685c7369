package plan

import (
	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// podRequests joins the requests for pods of a namespace.
type podRequests struct {
	groups []podGroup
	index  map[podKey]int // into groups
}

// podGroup is pods that are asked for the same.
type podGroup struct {
	Needs                    // of any of them
	metric schema.MetricName // empty for all common metrics
	pods   []string
}

type podKey struct {
	scope    schema.Scope
	start    schema.Instant
	longOnly bool
	metric   schema.MetricName
}

func newPodRequests() *podRequests { return &podRequests{index: make(map[podKey]int)} }

// add asks for a metric of a pod, or for all common metrics.
func (g *podRequests) add(n Needs, m schema.MetricName) {
	key := podKey{n.scope, n.start, n.longOnly, m}
	i, ok := g.index[key]
	if !ok {
		i = len(g.groups)
		g.index[key] = i
		g.groups = append(g.groups, podGroup{Needs: n, metric: m})
	}
	g.groups[i].pods = append(g.groups[i].pods, n.entity.Pod)
}

// pods returns requests for as many pods as can be asked for at once.
func (p *Planner) pods(g *podRequests, common []schema.Metric) []fetch.Request {
	// The longest name leaves room for the fewest pods. All common metrics of a
	// group are asked for with these.
	var longest schema.MetricName
	for _, m := range common {
		if len(m.Name) > len(longest) {
			longest = m.Name
		}
	}
	var requests []fetch.Request
	for _, group := range g.groups {
		asked, metric := p.Common(group.Needs, common), longest
		if group.metric != "" {
			metric = group.metric
			asked = []fetch.Request{{Scope: group.scope, Entity: group.entity, Metric: metric, Start: group.start}}
		}
		batches := p.SplitPods(group.scope.Name, group.pods, metric)
		for _, r := range asked {
			for _, r.Pods = range batches {
				requests = append(requests, r)
			}
		}
	}
	return requests
}

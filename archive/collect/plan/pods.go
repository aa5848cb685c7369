package collect

import (
	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// podRequests joins requests for pods of a namespace.
type podRequests struct {
	groups []podGroup
	index  map[podNeeds]int  // into groups
	more   []fetch.Request   // for metrics that not all pods have
	others map[podSeries]int // into more
}

// podGroup is pods that are asked for every common metric together.
type podGroup struct {
	needs // of any of them
	pods  []string
}

type podNeeds struct {
	scope    schema.Scope
	start    schema.Instant
	longOnly bool
}

type podSeries struct {
	scope  schema.Scope
	metric schema.MetricName
	start  schema.Instant
}

func newPodRequests() *podRequests {
	return &podRequests{index: make(map[podNeeds]int), others: make(map[podSeries]int)}
}

// add adds a pod, which is asked for the common metrics.
func (g *podRequests) add(n needs) {
	key := podNeeds{n.scope, n.start, n.longOnly}
	i, ok := g.index[key]
	if !ok {
		i = len(g.groups)
		g.index[key] = i
		g.groups = append(g.groups, podGroup{needs: n})
	}
	g.groups[i].pods = append(g.groups[i].pods, n.entity.Pod)
}

// addMore adds requests for other metrics, each of one pod.
func (g *podRequests) addMore(requests []fetch.Request) {
	for _, r := range requests {
		key := podSeries{r.Scope, r.Metric, r.Start}
		i, ok := g.others[key]
		if !ok {
			i = len(g.more)
			g.others[key] = i
			g.more = append(g.more, r)
		}
		g.more[i].Pods = append(g.more[i].Pods, r.Entity.Pod)
	}
}

// requests returns requests for as many pods as the source can ask for at once.
func (g *podRequests) requests(p *pass, common []schema.Metric) []fetch.Request {
	// The longest name leaves room for the fewest pods. All metrics of a group
	// are asked for with these.
	var longest schema.MetricName
	for _, m := range common {
		if len(m.Name) > len(longest) {
			longest = m.Name
		}
	}
	var requests []fetch.Request
	add := func(r fetch.Request, batches [][]string) {
		for _, batch := range batches {
			r.Pods = batch
			requests = append(requests, r)
		}
	}
	for _, group := range g.groups {
		batches := p.source.SplitPods(group.scope.Name, group.pods, longest)
		for _, r := range p.common(group.needs, common) {
			add(r, batches)
		}
	}
	for _, r := range g.more {
		add(r, p.source.SplitPods(r.Scope.Name, r.Pods, r.Metric))
	}
	return requests
}

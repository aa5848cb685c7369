package collect

import "heapstash/schema"

// podRequests asks for pods of a namespace together, where they are asked for
// the same.
type podRequests struct {
	groups []podGroup
	index  map[podNeeds]int // into groups
	more   []request        // each for several pods of one metric that not all have
	others map[podSeries]int
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

// add asks for the common metrics of a pod.
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

// addMore asks for other metrics, each request of one pod.
func (g *podRequests) addMore(requests []request) {
	for _, r := range requests {
		key := podSeries{r.scope, r.metric, r.start}
		i, ok := g.others[key]
		if !ok {
			i = len(g.more)
			g.others[key] = i
			g.more = append(g.more, r)
		}
		g.more[i].pods = append(g.more[i].pods, r.entity.Pod)
	}
}

// requests cuts what was added to the sizes that the source can ask for.
func (g *podRequests) requests(p *pass, common []schema.Metric) []request {
	// All metrics of a group take the batches that the longest name allows.
	var longest schema.MetricName
	for _, m := range common {
		if len(m.Name) > len(longest) {
			longest = m.Name
		}
	}
	var requests []request
	split := func(r request, batches [][]string) {
		for _, batch := range batches {
			r.pods = batch
			requests = append(requests, r)
		}
	}
	for _, group := range g.groups {
		batches := p.source.SplitPods(group.scope.Name, group.pods, longest)
		for _, r := range p.common(group.needs, common) {
			split(r, batches)
		}
	}
	for _, r := range g.more {
		split(r, p.source.SplitPods(r.scope.Name, r.pods, r.metric))
	}
	return requests
}

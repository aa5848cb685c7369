package collect

import (
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/archive/collect/fetch"
	"heapstash/archive/collect/metricexport"
	"heapstash/schema"
)

// doubts are what metric-export shows without a known namespace. The pass asks
// for all of it by name, in every namespace that is possible.
type doubts struct {
	containers map[schema.Entity]bool            // that may exist, and that no list shows
	labelled   map[schema.Entity][]schema.Metric // labelled series that may exist
	unanswered map[schema.Entity]bool            // labelled series with a request that failed
	answered   map[schema.Entity]bool            // entities with samples in the export's batch
}

// doubt notes what to ask for by name.
func (p *pass) doubt(x *metricExport, found *discovery) {
	for e, set := range x.attribution.Candidates(x.attribution.Open()) {
		if !p.wants(e) {
			continue
		}
		p.noteUnspelled(e, *set)
		if e.Kind == schema.Container && !found.present[e] {
			x.doubts.containers[e] = true
		}
		for _, row := range set.Rows {
			row.Entity.Namespace = e.Namespace
			if row.Entity.Labels == "" {
				continue
			}
			for _, m := range metricsIn(row) {
				if !slices.ContainsFunc(x.doubts.labelled[row.Entity], func(known schema.Metric) bool { return known.Name == m.Name }) {
					x.doubts.labelled[row.Entity] = append(x.doubts.labelled[row.Entity], m)
				}
			}
		}
	}
}

// evidence is what the answers show of a batch. It keeps the values of entities
// that are of interest.
func evidence(result fetch.Result, at schema.Instant, interest func(schema.Entity) bool) metricexport.Evidence {
	e := metricexport.NewEvidence(at)
	together := make(map[*string]bool) // lists of pods, which are asked for many metrics
	for _, r := range result.Requests {
		if r.Pods != nil {
			if together[&r.Pods[0]] {
				continue
			}
			together[&r.Pods[0]] = true
		}
		for i := range r.Size() {
			e.Answered[r.Member(i)] = true
		}
	}
	for i, r := range result.Requests {
		if result.Errs[i] != nil {
			for j := range r.Size() {
				delete(e.Answered, r.Member(j))
			}
		}
	}
	for _, row := range result.Rows {
		switch {
		case row.At != at:
		case interest(row.Entity):
			e.Shown[row.Entity] = append(e.Shown[row.Entity], row.Readings...)
		default:
			e.Unkept[row.Entity] = true
		}
	}
	return e
}

// namespaceHint is how Heapster or Kubernetes makes the namespaces known.
const namespaceHint = "allow Heapster to list namespaces, so that metric-export has namespace_id, or set collect.enrich: true"

// reconcile compares the open claims with the answers by name. It keeps the sets
// whose namespace follows, and makes holes of the others.
func (p *pass) reconcile(found *discovery, result fetch.Result) {
	x := &p.metricExport
	if x.attribution == nil {
		return
	}
	open := x.attribution.Open()
	if len(open) == 0 {
		return
	}
	interest := make(map[schema.Entity]bool)
	for e, set := range x.attribution.Candidates(open) {
		for _, row := range set.Rows {
			row.Entity.Namespace = e.Namespace
			interest[row.Entity] = true
		}
	}
	answers := evidence(result, x.at, func(e schema.Entity) bool { return interest[e] })
	for e := range x.doubts.labelled {
		x.doubts.unanswered[e] = !answers.Answered[e]
	}
	for e := range interest {
		x.doubts.answered[e] = len(answers.Shown[e]) > 0
	}
	for e := range x.doubts.containers {
		if x.doubts.answered[e] {
			found.add(e, p.memory)
		}
	}
	x.attribution.Hear(answers)
	for _, c := range open {
		if c.Namespace != "" {
			p.admitClaim(x, c, found)
		}
	}
	if open = x.attribution.Open(); found.lists.Stale {
		p.noteStale(open)
	} else {
		p.noteUnidentified(open, found)
		p.noteOwnerless(open)
	}
}

// noteStale notes that a batch came between the lists and the export: which
// namespaces had the names that are open is unknown.
func (p *pass) noteStale(open []*metricexport.Claim) {
	if len(open) == 0 {
		return
	}
	n := 0
	for _, c := range open {
		n += len(c.Sets)
	}
	p.hole(archive.Hole{
		Cause: archive.CauseExport, Window: p.timeline.Window(p.metricExport.at, p.metricExport.at),
		Detail: fmt.Sprintf("metric-export and the lists are of different batches: the namespaces of %d sets are not known, and labelled series that only metric-export shows were not read", n),
	})
}

// noteOwnerless notes the sets that no namespace may have, and that the pass
// cannot ask for by name.
func (p *pass) noteOwnerless(open []*metricexport.Claim) {
	sets := make(map[schema.Kind][]schema.Entity)
	for _, set := range p.metricExport.attribution.Ownerless(open) {
		if kind := set.Entity.Kind; len(set.Rows) > 0 && slices.Contains(p.Kinds, kind) && !(isContainer(kind) && p.Containers == ContainersOff) {
			sets[kind] = append(sets[kind], set.Entity)
		}
	}
	p.noteFirst(sets, archive.Hole{Cause: archive.CauseExport, Window: p.timeline.Window(p.metricExport.at, p.metricExport.at), Hint: namespaceHint},
		"metric-export has what no list of Heapster's shows, and its namespace is not known. The first of %d is %v")
}

// noteUnidentified notes the pods whose incarnation is not known, because several
// namespaces have a pod of that name.
func (p *pass) noteUnidentified(open []*metricexport.Claim, found *discovery) {
	pods := make(map[string][]string) // by namespace
	for e, set := range p.metricExport.attribution.Candidates(open) {
		pod := schema.PodEntity(e.Namespace, e.Pod)
		if set.PodUID != "" && p.wants(pod) && found.present[pod] && !slices.Contains(pods[e.Namespace], pod.Pod) {
			pods[e.Namespace] = append(pods[e.Namespace], pod.Pod)
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(pods)) {
		slices.Sort(pods[namespace])
		p.hole(archive.Hole{
			Entity: schema.Entity{Kind: schema.Pod, Namespace: namespace}, Cause: archive.CauseExport, Lasting: true,
			Detail: fmt.Sprintf("neither metric-export nor values distinguish pods from pods of the same name in other namespaces: "+
				"their incarnations are not known, and their labelled series are asked for by name. The first of %d is %s", len(pods[namespace]), pods[namespace][0]),
			Hint: namespaceHint,
		})
	}
}

package collect

import (
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// doubts are what metric-export shows of entities whose namespace is not told.
// All of it is asked for by name: what answers is whose it is.
type doubts struct {
	containers map[schema.Entity]bool            // that may be there, and that no list shows
	labelled   map[schema.Entity][]schema.Metric // series that may be there
	unasked    map[schema.Entity]bool            // of these, those that were not all answered
	answered   map[schema.Entity]bool            // those that have samples in the export's batch
}

func newDoubts() doubts {
	return doubts{
		containers: make(map[schema.Entity]bool), labelled: make(map[schema.Entity][]schema.Metric),
		unasked: make(map[schema.Entity]bool), answered: make(map[schema.Entity]bool),
	}
}

// doubt notes what is to be asked for by name, for each namespace that the
// claim may be of.
func (p *pass) doubt(x *export, c *claim, found *discovery) {
	for _, set := range c.sets {
		for _, namespace := range x.whose.suspects(c, set) {
			e := set.Entity
			e.Namespace = namespace
			if !p.wants(e) {
				continue
			}
			p.unspelled(e, *set)
			if e.Kind == schema.Container && !found.present[e] {
				x.doubted.containers[e] = true
			}
			for _, row := range set.Rows {
				row.Entity.Namespace = namespace
				if row.Entity.Labels == "" {
					continue
				}
				for _, m := range metricsIn(row) {
					if !slices.ContainsFunc(x.doubted.labelled[row.Entity], func(known schema.Metric) bool { return known.Name == m.Name }) {
						x.doubted.labelled[row.Entity] = append(x.doubted.labelled[row.Entity], m)
					}
				}
			}
		}
	}
}

// ownerless notes the sets that no namespace may have, so that nobody can be
// asked for them.
func (p *pass) ownerless(open []*claim) {
	sets := make(map[schema.Kind][]schema.Entity)
	for _, c := range open {
		for _, set := range c.sets {
			e := set.Entity
			if len(set.Rows) > 0 && len(p.export.whose.suspects(c, set)) == 0 && slices.Contains(p.Kinds, e.Kind) &&
				!(isContainer(e.Kind) && p.Containers == ContainersOff) {
				sets[e.Kind] = append(sets[e.Kind], e)
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(sets)) {
		p.hole(archive.Hole{
			Entity: schema.Entity{Kind: kind}, Cause: archive.CauseExport, Window: p.window(p.export.at, p.export.at),
			Detail: fmt.Sprintf("metric-export has what no list of Heapster's shows, and its namespace is not known. The first of %d is %v", len(sets[kind]), sets[kind][0]),
			Hint:   toldBy,
		})
	}
}

// leftOut notes what the lists have and metric-export, of the same batch, does
// not: nobody knows whether that has labelled series.
func (p *pass) leftOut(x *export, found *discovery) {
	left := make(map[schema.Kind][]schema.Entity)
	for _, e := range found.listed {
		open := func(c *claim) bool { return c.namespace == "" }
		if e.Kind == schema.Cluster || e.Kind == schema.Namespace || x.told[e] || slices.ContainsFunc(x.whose.named[nameOf(e)], open) {
			continue
		}
		left[e.Kind] = append(left[e.Kind], e)
	}
	for _, kind := range slices.Sorted(maps.Keys(left)) {
		p.hole(archive.Hole{
			Entity: schema.Entity{Kind: kind}, Cause: archive.CauseExport, Lasting: true,
			Detail: fmt.Sprintf("metric-export leaves out what the lists show: labelled series are read only where an earlier pass saw them. The first of %d is %v", len(left[kind]), left[kind][0]),
		})
	}
}

// toldBy says how Heapster, or Kubernetes, tells the namespaces.
const toldBy = "allow Heapster to list namespaces, so that metric-export has namespace_id, or set collect.enrich: true"

// reconcile hears what the entities in doubt answered, and keeps the sets whose
// namespace that told. What is open then is known by name alone.
func (p *pass) reconcile(found *discovery, plan plan, a answers) {
	x := &p.export
	if x.whose == nil {
		return
	}
	open := x.whose.undecided()
	if len(open) == 0 {
		return
	}
	interest := make(map[schema.Entity]bool)
	for _, c := range open {
		for _, set := range c.sets {
			for _, row := range set.Rows {
				for _, namespace := range x.whose.suspects(c, set) {
					row.Entity.Namespace = namespace
					interest[row.Entity] = true
				}
			}
		}
	}
	told := testify(plan.requests, a, x.at, func(e schema.Entity) bool { return interest[e] })
	for e := range x.doubted.labelled {
		x.doubted.unasked[e] = !told.asked[e]
	}
	for e := range interest {
		x.doubted.answered[e] = len(told.readings[e]) > 0
	}
	for e := range x.doubted.containers {
		if x.doubted.answered[e] {
			found.add(e, p.memory)
		}
	}
	x.whose.hear(told)
	x.whose.conclude()
	for _, c := range open {
		if c.namespace != "" {
			p.admitAll(x, c, found)
		}
	}
	if open = x.whose.undecided(); x.whose.lists.stale {
		p.overtaken(open)
	} else {
		p.unknown(open, found)
		p.ownerless(open)
	}
}

// overtaken notes that a batch came between the lists and the export, so that
// nobody knows who had the names that are open.
func (p *pass) overtaken(open []*claim) {
	n := 0
	for _, c := range open {
		n += len(c.sets)
	}
	if n == 0 {
		return
	}
	p.hole(archive.Hole{
		Cause: archive.CauseExport, Window: p.window(p.export.at, p.export.at),
		Detail: fmt.Sprintf("metric-export has another batch than the lists: the namespaces of %d of its sets are not known, and labelled series that it alone shows were not read", n),
	})
}

// unknown notes the pods whose incarnation is not known, for nothing tells
// which of several pods metric-export means.
func (p *pass) unknown(open []*claim, found *discovery) {
	pods := make(map[string][]string) // by namespace
	for _, c := range open {
		for _, set := range c.sets {
			for _, namespace := range p.export.whose.suspects(c, set) {
				pod := schema.PodEntity(namespace, set.Entity.Pod)
				if set.PodUID != "" && p.wants(pod) && found.present[pod] && !slices.Contains(pods[namespace], pod.Pod) {
					pods[namespace] = append(pods[namespace], pod.Pod)
				}
			}
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(pods)) {
		slices.Sort(pods[namespace])
		p.hole(archive.Hole{
			Entity: schema.Entity{Kind: schema.Pod, Namespace: namespace}, Cause: archive.CauseExport, Lasting: true,
			Detail: fmt.Sprintf("metric-export does not tell pods from those of the same name in other namespaces, nor do their values: "+
				"their incarnations are not known, and their labelled series are asked for by name. The first of %d is %s", len(pods[namespace]), pods[namespace][0]),
			Hint: toldBy,
		})
	}
}

package collect

import (
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/archive/collect/plan"
	"heapstash/schema"
)

// chooseContainers decides between full and export where ContainersAuto is set.
func (p *pass) chooseContainers(found discovery) {
	if p.Containers == ContainersExport {
		for _, kind := range containerKinds {
			if w := p.timeline.BeforeFirst(p.metricExport.at); w.From > 0 && slices.Contains(p.Kinds, kind) {
				p.hole(archive.Hole{Entity: schema.Entity{Kind: kind}, Cause: archive.CauseSkipped, Lasting: true, Detail: exportAlone, Window: w})
			}
		}
	}
	if p.Containers != ContainersAuto {
		return
	}
	p.Containers = ContainersFull
	n := 0
	for _, e := range found.listed {
		if isContainer(e.Kind) {
			n++
		}
	}
	if n <= AutoContainers || p.metricExport.refused {
		return
	}
	p.Containers = ContainersExport
	p.hole(archive.Hole{
		Entity: schema.Entity{Kind: schema.Container}, Cause: archive.CauseSkipped, Lasting: true, Window: p.timeline.BeforeFirst(p.metricExport.at),
		Detail: fmt.Sprintf("more than %d containers: they are read only from metric-export, which does not have their cpu/usage_rate, requests, restart_count and custom metrics",
			AutoContainers),
		Hint: "collect.containers: full reads all of their metrics, with eleven requests a container and pass; export accepts this, and this limitation is not reported any more",
	})
}

// exportAlone is the detail of what ContainersExport cannot read.
const exportAlone = "metric-export shows only the newest batch, and containers are not read from anything else (collect.containers)"

// planContainers plans the requests of the last stage: for containers, system
// containers and labelled series. It does not ask for what the export has, unless
// Heapster made a batch before the export's that no pass has read.
func (p *pass) planContainers(found discovery, carried map[schema.Entity][]schema.MetricName) plan.Plan {
	result := plan.Plan{Scopes: make(map[schema.Scope]bool)}
	common := make(map[schema.Kind][]schema.Metric)   // without the standard ones
	standard := make(map[schema.Kind][]schema.Metric) // the ones in metric-export
	for _, kind := range containerKinds {
		for _, m := range schema.CommonMetricsOf(kind) {
			if m.Exported {
				standard[kind] = append(standard[kind], m)
			} else {
				common[kind] = append(common[kind], m)
			}
		}
	}
	skipped := make(map[schema.Scope]schema.Window)
	for _, e := range slices.Concat(found.listed, found.recent, sorted(p.metricExport.doubts.containers)) {
		if !isContainer(e.Kind) {
			continue
		}
		result.Entities++
		exported := e.Scope()
		exported.Part = schema.Standard
		if p.Containers == ContainersExport {
			p.coverByExport(&result, skipped, e, exported)
			if isMissing := p.metricExport.at > 0 && !p.metricExport.has[e]; isMissing && (found.present[e] || p.metricExport.doubts.containers[e]) {
				result.Requests = append(result.Requests, p.planner.Common(p.planner.NeedsOf(e, exported, true), standard[e.Kind])...)
			}
			continue
		}
		n := p.planner.NeedsOf(e, e.Scope(), found.present[e])
		p.planner.Cover(&result, e.Scope(), e)
		result.Requests = append(result.Requests, p.planner.Common(n, common[e.Kind])...)
		result.Requests = append(result.Requests, p.planner.More(n, carried[e])...)

		p.planner.Cover(&result, exported, e)
		if !p.metricExport.has[e] || !p.planner.ListedBefore(e) || !p.covers(p.memory.Watermarks[exported]) {
			result.Requests = append(result.Requests, p.planner.Common(p.planner.NeedsOf(e, exported, found.present[e]), standard[e.Kind])...)
		}
	}
	for _, scope := range slices.SortedFunc(maps.Keys(skipped), schema.Scope.Compare) {
		p.hole(archive.Hole{Entity: scope.Entity(), Cause: archive.CauseSkipped, Detail: exportAlone, Window: skipped[scope]})
	}
	p.planLabelled(&result)
	plan.SortByWorth(result.Requests)
	return result
}

// coverByExport covers the scope of a container that is read only from the export.
// Skipped gets the time of the batches before the export's.
func (p *pass) coverByExport(result *plan.Plan, skipped map[schema.Scope]schema.Window, e schema.Entity, scope schema.Scope) {
	if result.Scopes[scope] || p.metricExport.at == 0 {
		return
	}
	p.planner.Cover(result, scope, e)
	watermark := p.memory.Watermarks[scope]
	if !p.planner.ListedBefore(e) {
		watermark = p.memory.Horizon // the watermark of an empty scope is old
	}
	window := p.timeline.Between(watermark, p.metricExport.at)
	if known, noted := skipped[scope]; watermark > 0 && window.From > 0 && (!noted || window.From < known.From) {
		skipped[scope] = window
	}
}

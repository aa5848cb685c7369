package collect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"heapstash/schema"
)

// chooseContainers makes one of the other ways of ContainersAuto.
func (p *pass) chooseContainers(found discovery) {
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
	if n <= AutoContainers || p.export.refused {
		return
	}
	p.Containers = ContainersExport
	p.hole(schema.Hole{
		Entity: schema.Entity{Kind: schema.Container}, Cause: schema.CauseSkipped, Lasting: true,
		Detail: fmt.Sprintf("more than %d containers: they are read by metric-export alone, which has no cpu/usage_rate, requests, restart_count and custom metrics of them",
			AutoContainers),
		Hint: "collect.containers: full reads all of it, at eleven requests a container and pass; export settles for this without a word",
	})
}

// planContainers decides the requests of the last stage, for containers,
// system containers and labelled series. What the export brings is not asked
// for, unless there was a batch before it that no pass has read.
func (p *pass) planContainers(found discovery, fresh map[schema.Entity][]schema.MetricName) plan {
	result := plan{scopes: make(map[schema.Scope]bool)}
	type metrics struct{ common, standard []schema.Metric }
	ask := make(map[schema.Kind]metrics)
	for _, kind := range containerKinds {
		common, standard := split(schema.CommonMetricsOf(kind))
		ask[kind] = metrics{common, standard}
	}
	for _, e := range slices.Concat(found.listed, found.gone) {
		if !isContainer(e.Kind) {
			continue
		}
		result.entities++
		if p.Containers == ContainersExport {
			p.exportAlone(&result, e)
			continue
		}
		n := p.needsOf(e, e.Scope(), found.present[e])
		result.cover(n.scope, p.listedBefore(e))
		result.requests = append(result.requests, p.common(n, ask[e.Kind].common)...)
		result.requests = append(result.requests, p.more(n, fresh[e])...)

		n.scope.Part = schema.Standard
		n = p.needsOf(e, n.scope, found.present[e])
		result.cover(n.scope, p.listedBefore(e))
		if !p.export.has[e] || !p.listedBefore(e) || !p.covers(p.memory.Watermarks[n.scope]) {
			result.requests = append(result.requests, p.common(n, ask[e.Kind].standard)...)
		}
	}
	p.planLabelled(&result)
	slices.SortStableFunc(result.requests, func(a, b request) int { return cmp.Compare(worth(a), worth(b)) })
	return result
}

// split separates the metrics that metric-export has.
func split(metrics []schema.Metric) (common, standard []schema.Metric) {
	for _, m := range metrics {
		if m.Exported {
			standard = append(standard, m)
		} else {
			common = append(common, m)
		}
	}
	return common, standard
}

// exportAlone reads a container by the export alone: batches before the
// export's are holes.
func (p *pass) exportAlone(result *plan, e schema.Entity) {
	scope := e.Scope()
	scope.Part = schema.Standard
	if result.scopes[scope] || p.export.at == 0 {
		return
	}
	result.cover(scope, p.listedBefore(e))
	if !p.listedBefore(e) {
		return // of a scope that was empty, the watermark says nothing
	}
	watermark := p.memory.Watermarks[scope]
	if window := p.missed(watermark); watermark > 0 && window.From > 0 {
		p.hole(schema.Hole{
			Entity: scope.Entity(),
			Cause:  schema.CauseSkipped,
			Detail: "metric-export shows the newest batch alone, and containers are read by nothing else (collect.containers)",
			Window: window,
		})
	}
}

// planLabelled asks for the history of the label sets that the export shows,
// and of those that it showed until lately.
func (p *pass) planLabelled(result *plan) {
	entities := slices.Collect(maps.Keys(p.export.labelled))
	for e, lastSeen := range p.memory.Entities {
		if _, shown := p.export.labelled[e]; e.Labels != "" && !shown && p.wants(e.Owner()) &&
			(lastSeen == 0 || !p.attentive() || p.seen().Sub(lastSeen) <= shortAfterlife) {
			entities = append(entities, e)
		}
	}
	slices.SortFunc(entities, compareEntities)
	for _, e := range entities {
		scope := e.Scope()
		result.cover(scope, p.listedBefore(e))
		row, shown := p.export.labelled[e]
		if shown && p.listedBefore(e) && p.covers(p.memory.Watermarks[scope]) {
			continue
		}
		if p.Containers == ContainersExport && isContainer(e.Kind) {
			continue
		}
		metrics := familyMetrics(e)
		if shown {
			metrics = metricsIn(p.export.rows[row])
		}
		result.requests = append(result.requests, p.common(p.needsOf(e, scope, shown), metrics)...)
	}
}

// labelledChanges compares the label sets of the export with those of the last
// pass. Without an export they stay as they were.
func (p *pass) labelledChanges() (appeared []schema.Entity, vanished map[schema.Entity]schema.Instant) {
	if p.export.at == 0 {
		return nil, nil
	}
	for e := range p.export.labelled {
		if !p.listedBefore(e) {
			appeared = append(appeared, e)
		}
	}
	slices.SortFunc(appeared, compareEntities)
	vanished = make(map[schema.Entity]schema.Instant)
	for e, lastSeen := range p.memory.Entities {
		if _, shown := p.export.labelled[e]; e.Labels != "" && lastSeen == 0 && !shown {
			vanished[e] = p.lastShown(e)
		}
	}
	return appeared, vanished
}

// lastShown is when the labelled entity was shown last. The horizon moves with
// the first stage of a pass, and one that died after that saw no export.
func (p *pass) lastShown(e schema.Entity) schema.Instant {
	at := p.memory.Horizon
	if watermark := p.memory.Watermarks[e.Scope()]; p.memory.Failure != "" && watermark > 0 {
		at = min(at, watermark)
	}
	return at
}

// familyMetrics are those of every family with such labels as the entity's.
func familyMetrics(e schema.Entity) []schema.Metric {
	var metrics []schema.Metric
	for _, f := range schema.Families() {
		if f.Has(e.Labels) {
			metrics = append(metrics, schema.MetricsOfFamily(f)...)
		}
	}
	return metrics
}

// metricsIn are the registry's metrics that the row has.
func metricsIn(row schema.Row) []schema.Metric {
	var metrics []schema.Metric
	for _, r := range row.Readings {
		if m, ok := schema.Lookup(r.Metric); ok {
			metrics = append(metrics, m)
		}
	}
	return metrics
}

// listedBefore reports whether the entity was there at the last pass, so that
// its scope's watermark speaks of it.
func (p *pass) listedBefore(e schema.Entity) bool {
	lastSeen, known := p.memory.Entities[e]
	return known && lastSeen == 0
}

// worth orders the requests that may be left out, the most valuable first:
// the use of CPU and memory by containers, their other metrics, their custom
// ones, system containers, and labelled series.
func worth(r request) int {
	metric, known := schema.Lookup(r.metric)
	switch {
	case r.scope.Part == schema.Labelled:
		return 4
	case r.scope.Kind == schema.SystemContainer:
		return 3
	case !known:
		return 2
	case metric.Long || metric.Name == "memory/working_set":
		return 0
	default:
		return 1
	}
}

package collect

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// chooseContainers makes one of the other ways of ContainersAuto.
func (p *pass) chooseContainers(found discovery) {
	if p.Containers == ContainersExport {
		for _, kind := range containerKinds {
			if w := p.exportBegins(); w.From > 0 && slices.Contains(p.Kinds, kind) {
				p.hole(archive.Hole{Entity: schema.Entity{Kind: kind}, Cause: archive.CauseSkipped, Lasting: true, Detail: exportedAlone, Window: w})
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
	if n <= AutoContainers || p.export.refused {
		return
	}
	p.Containers = ContainersExport
	p.hole(archive.Hole{
		Entity: schema.Entity{Kind: schema.Container}, Cause: archive.CauseSkipped, Lasting: true, Window: p.exportBegins(),
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
	skipped := make(map[schema.Scope]schema.Window)
	doubted := slices.SortedFunc(maps.Keys(p.export.doubted.containers), compareEntities)
	for _, e := range slices.Concat(found.listed, found.gone, doubted) {
		if !isContainer(e.Kind) {
			continue
		}
		result.entities++
		if p.Containers == ContainersExport {
			p.exportAlone(&result, skipped, e)
			if missing := p.export.at > 0 && !p.export.has[e]; missing && (found.present[e] || p.export.doubted.containers[e]) {
				n := e.Scope()
				n.Part = schema.Standard
				result.requests = append(result.requests, p.common(p.needsOf(e, n, true), ask[e.Kind].standard)...)
			}
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
	for _, scope := range slices.SortedFunc(maps.Keys(skipped), compareScopes) {
		p.hole(archive.Hole{Entity: scope.Entity(), Cause: archive.CauseSkipped, Detail: exportedAlone, Window: skipped[scope]})
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
// export's are holes. Those that the lists show and the export does not, or
// whose namespace it does not tell, are asked for by name.
func (p *pass) exportAlone(result *plan, skipped map[schema.Scope]schema.Window, e schema.Entity) {
	scope := e.Scope()
	scope.Part = schema.Standard
	if result.scopes[scope] || p.export.at == 0 {
		return
	}
	result.cover(scope, p.listedBefore(e))
	watermark := p.memory.Watermarks[scope]
	if !p.listedBefore(e) {
		watermark = p.memory.Horizon // of a scope that was empty, its own says nothing
	}
	window := p.missed(watermark)
	if known, noted := skipped[scope]; watermark > 0 && window.From > 0 && (!noted || window.From < known.From) {
		skipped[scope] = window
	}
}

const exportedAlone = "metric-export shows the newest batch alone, and containers are read by nothing else (collect.containers)"

// exportBegins is the time, before an archive's first pass, of the batches that
// Heapster still shows and the export does not have.
func (p *pass) exportBegins() schema.Window {
	if p.memory.Horizon > 0 || len(p.batches) == 0 || p.batches[0] >= p.export.at {
		return schema.Window{}
	}
	return schema.Window{From: p.batches[0], To: p.export.at - 1}
}

// planLabelled asks for the history of the label sets that the export shows,
// and of those that it showed until lately.
func (p *pass) planLabelled(result *plan) {
	doubted := p.export.doubted.labelled
	entities := slices.AppendSeq(slices.Collect(maps.Keys(p.export.labelled)), maps.Keys(doubted))
	for e, lastSeen := range p.memory.Entities {
		_, shown := p.export.labelled[e]
		if e.Labels != "" && !shown && doubted[e] == nil && p.wants(e.Owner()) &&
			(lastSeen == 0 || !p.attentive() || p.seen().Sub(lastSeen) <= shortAfterlife) {
			entities = append(entities, e)
		}
	}
	slices.SortFunc(entities, compareEntities)
	for _, e := range entities {
		scope := e.Scope()
		row, shown := p.export.labelled[e]
		byExport := p.Containers == ContainersExport && isContainer(e.Kind) && doubted[e] == nil
		if byExport && p.export.at == 0 {
			continue // nothing was read
		}
		result.cover(scope, p.listedBefore(e))
		if byExport || shown && p.listedBefore(e) && p.covers(p.memory.Watermarks[scope]) {
			continue
		}
		metrics := familyMetrics(e)
		switch {
		case shown:
			metrics = metricsIn(p.export.rows[row])
		case doubted[e] != nil:
			metrics = doubted[e]
		}
		result.requests = append(result.requests, p.common(p.needsOf(e, scope, shown || doubted[e] != nil), metrics)...)
	}
}

// labelledChanges compares the label sets of the export with those of the last
// pass. Without an export they stay as they were, and so do those that were
// asked for by name without an answer.
func (p *pass) labelledChanges() (appeared []schema.Entity, vanished map[schema.Entity]schema.Instant) {
	x := p.export
	if x.at == 0 {
		return nil, nil
	}
	shown := func(e schema.Entity) bool {
		_, labelled := x.labelled[e]
		return labelled || x.doubted.answered[e]
	}
	for _, e := range slices.AppendSeq(slices.Collect(maps.Keys(x.labelled)), maps.Keys(x.doubted.answered)) {
		if e.Labels != "" && shown(e) && !p.listedBefore(e) {
			appeared = append(appeared, e)
		}
	}
	slices.SortFunc(appeared, compareEntities)
	appeared = slices.Compact(appeared)
	vanished = make(map[schema.Entity]schema.Instant)
	for e, lastSeen := range p.memory.Entities {
		if e.Labels != "" && lastSeen == 0 && !shown(e) && !x.doubted.unasked[e] {
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

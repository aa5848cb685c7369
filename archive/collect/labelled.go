package collect

import (
	"maps"
	"slices"

	"heapstash/archive/collect/plan"
	"heapstash/schema"
)

// planLabelled asks for the label sets that the export shows, or may show, and for
// those that it showed until lately.
func (p *pass) planLabelled(result *plan.Plan) {
	doubts := p.metricExport.doubts.labelled
	entities := slices.AppendSeq(slices.Collect(maps.Keys(p.metricExport.labelled)), maps.Keys(doubts))
	for e, lastSeen := range p.memory.Entities {
		_, shown := p.metricExport.labelled[e]
		if e.Labels != "" && !shown && doubts[e] == nil && p.wants(e.Owner()) && p.planner.MayBeVisible(lastSeen, plan.ShortAfterlife) {
			entities = append(entities, e)
		}
	}
	slices.SortFunc(entities, schema.Entity.Compare)
	for _, e := range entities {
		scope := e.Scope()
		row, shown := p.metricExport.labelled[e]
		byExport := p.Containers == ContainersExport && isContainer(e.Kind) && doubts[e] == nil
		if byExport && p.metricExport.at == 0 {
			continue // nothing was read
		}
		p.planner.Cover(result, scope, e)
		if byExport || shown && p.planner.ListedBefore(e) && p.covers(p.memory.Watermarks[scope]) {
			continue
		}
		metrics := familyMetrics(e)
		switch {
		case shown:
			metrics = metricsIn(p.metricExport.rows[row])
		case doubts[e] != nil:
			metrics = doubts[e]
		}
		result.Requests = append(result.Requests, p.planner.Common(p.planner.NeedsOf(e, scope, shown || doubts[e] != nil), metrics)...)
	}
}

// labelledChanges compares the label sets of the export with the last pass's. Without
// an export, nothing changes. A set whose request by name failed does not vanish.
func (p *pass) labelledChanges() (appeared []schema.Entity, vanished map[schema.Entity]schema.Instant) {
	x := p.metricExport
	if x.at == 0 {
		return nil, nil
	}
	shown := make(map[schema.Entity]bool)
	for e := range x.labelled {
		shown[e] = true
	}
	for e, answered := range x.doubts.answered {
		if answered && e.Labels != "" {
			shown[e] = true
		}
	}
	for _, e := range sorted(shown) {
		if !p.planner.ListedBefore(e) {
			appeared = append(appeared, e)
		}
	}
	vanished = make(map[schema.Entity]schema.Instant)
	for e, lastSeen := range p.memory.Entities {
		if e.Labels != "" && lastSeen == 0 && !shown[e] && !x.doubts.unanswered[e] {
			vanished[e] = p.lastShown(e)
		}
	}
	return appeared, vanished
}

// lastShown is the time at which the labelled entity was shown last. A pass that
// died after its first stage moved the horizon without an export.
func (p *pass) lastShown(e schema.Entity) schema.Instant {
	at := p.memory.Horizon
	if watermark := p.memory.Watermarks[e.Scope()]; p.memory.Failure != "" && watermark > 0 {
		at = min(at, watermark)
	}
	return at
}

// familyMetrics returns the metrics of every family with labels like the entity's.
func familyMetrics(e schema.Entity) []schema.Metric {
	var metrics []schema.Metric
	for _, f := range schema.Families() {
		if f.Has(e.Labels) {
			metrics = append(metrics, schema.MetricsOfFamily(f)...)
		}
	}
	return metrics
}

// metricsIn returns the registry's metrics that the row has.
func metricsIn(row schema.Row) []schema.Metric {
	var metrics []schema.Metric
	for _, r := range row.Readings {
		if m, ok := schema.Lookup(r.Metric); ok {
			metrics = append(metrics, m)
		}
	}
	return metrics
}

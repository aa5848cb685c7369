package collect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// settle judges each scope by its requests. A watermark moves to the horizon
// where the scope was fetched whole, for then nothing up to there is missing.
//
// What no URL can name does not hold it back, nor what was refused since ever:
// nothing of that was promised, and a metric that was never answered is asked
// for without a start.
func (p *pass) settle(plan plan, errs []error) (map[schema.Scope]schema.Instant, map[schema.Scope][]schema.MetricName) {
	watermarks := make(map[schema.Scope]schema.Instant)
	asked := make(map[schema.Scope][]schema.MetricName)
	requests := make(map[schema.Scope][]int)
	for i, r := range plan.requests {
		requests[r.scope] = append(requests[r.scope], i)
	}
	p.forgetOwn(plan, watermarks)
	scopes := slices.SortedFunc(maps.Keys(plan.scopes), compareScopes)
	for _, scope := range scopes {
		refused := p.refusedByName(scope, plan.requests, requests[scope], errs)
		p.noteRefused(scope, refused)
		held, broken := p.judge(scope, plan.requests, requests[scope], errs, refused)
		p.ownWatermarks(plan, refused, !held && p.record.Horizon > 0, watermarks, scope)
		if !held && p.record.Horizon > p.memory.Watermarks[scope] {
			watermarks[scope] = p.record.Horizon
			if plan.scopes[scope] {
				p.findScopeGap(scope)
			}
		}
		for _, i := range requests[scope] {
			m := plan.requests[i].metric
			if !broken[m] && !p.memory.Asked[scope][m] && !slices.Contains(asked[scope], m) && lastingly(scope, m) {
				asked[scope] = append(asked[scope], m)
			}
		}
	}
	return watermarks, asked
}

// findScopeGap notes what was lost while a scope's watermark was held back,
// rather than left behind by a scope that was empty. What all scopes lost is
// noted already.
func (p *pass) findScopeGap(scope schema.Scope) {
	p.findLoss(scope.Entity(), p.memory.Watermarks[scope])
}

func (p *pass) findLoss(of schema.Entity, watermark schema.Instant) {
	if watermark >= p.memory.Horizon {
		return
	}
	lost, window := p.lostSince(watermark)
	if lost <= 0 {
		return
	}
	p.hole(archive.Hole{
		Entity: of, Cause: archive.CauseFailed, Window: window,
		Detail: fmt.Sprintf("%v of samples were gone before this could be read again; the holes of the passes before tell why", lost),
	})
}

// lastingly reports whether every pass asks the whole scope for the metric.
func lastingly(scope schema.Scope, m schema.MetricName) bool {
	return scope.Part == schema.Labelled || isCommon(scope.Kind, m)
}

// judge notes what is missing of a scope, and tells whether that holds its
// watermark back, and which metrics were not answered for every entity.
//
// Pods that are refused by their names are noted already.
func (p *pass) judge(scope schema.Scope, requests []request, members []int, errs []error, refused map[schema.Entity]error) (held bool, broken map[schema.MetricName]bool) {
	broken = make(map[schema.MetricName]bool)
	var failed []int
	nameless := make(map[schema.Entity]bool)
	for _, i := range members {
		err, r := errs[i], requests[i]
		if err == nil {
			continue
		}
		if errors.Is(err, schema.ErrUnaddressable) && r.size() == 1 {
			if !nameless[r.member(0)] {
				nameless[r.member(0)] = true
				p.nameless(scope, r.member(0), err)
			}
			continue
		}
		if r.size() == 1 && refused[r.member(0)] != nil {
			continue
		}
		failed = append(failed, i)
		broken[r.metric] = true
		held = held || !errors.Is(err, schema.ErrRefused) || p.memory.Asked[scope][r.metric]
	}
	if len(failed) == 0 {
		return false, broken
	}
	p.hole(scopeHole(requests, errs, failed, len(members)))
	return held || len(failed) == len(members), broken
}

// nameless notes an entity that no URL can name: once, and again for each time
// that the export, which names it, left out.
func (p *pass) nameless(scope schema.Scope, e schema.Entity, err error) {
	h := holeOf(e, err)
	h.Lasting = true
	if scope.Part == schema.Plain {
		p.hole(h)
		return
	}
	watermark := p.memory.Watermarks[scope]
	switch {
	case p.export.at > 0 && !p.isMissing(e):
		if h.Window = p.missed(watermark); watermark == 0 || h.Window.From == 0 {
			return
		}
	case p.export.refused:
		return // nothing of it was promised
	default:
		if h.Window = p.unread(watermark); h.Window.From == 0 {
			return
		}
	}
	h.Lasting = false
	p.hole(h)
}

// isMissing reports whether the newest batch has the entity, or may have it, and
// the export that was read does not bring it.
func (p *pass) isMissing(e schema.Entity) bool {
	if e.Labels != "" {
		_, shown := p.export.labelled[e]
		return !shown && p.export.doubted.labelled[e] != nil
	}
	return !p.export.told[e] && (p.present[e] || p.export.doubted.containers[e])
}

// scopeHole describes the failed requests of one scope: as exactly as one
// line can.
func scopeHole(requests []request, errs []error, failed []int, total int) archive.Hole {
	first := requests[failed[0]]
	hole := holeOf(first.scope.Entity(), errs[failed[0]])
	if len(failed) > 1 {
		hole.Detail = fmt.Sprintf("%d of %d requests, the first: %s", len(failed), total, hole.Detail)
		return hole
	}
	hole.Metric = first.metric
	if first.size() == 1 {
		hole.Entity = first.member(0)
	}
	return hole
}

func compareScopes(a, b schema.Scope) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Part, b.Part))
}

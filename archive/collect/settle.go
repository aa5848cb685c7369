package collect

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"heapstash/archive"
	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// outcome is what the requests of one scope brought.
type outcome struct {
	scope    schema.Scope
	requests []fetch.Request
	errs     []error // of each request
}

// settle judges each scope by its requests. If a scope was read whole, nothing is
// missing up to the horizon, and its watermark moves there.
//
// Neither an entity that no URL can name holds the watermark back, nor a request
// that was refused at every pass. A metric that was never answered is asked for
// without a start.
func (p *pass) settle(scopes map[schema.Scope]bool, result fetch.Result) (map[schema.Scope]schema.Instant, map[schema.Scope][]schema.MetricName) {
	watermarks := make(map[schema.Scope]schema.Instant)
	asked := make(map[schema.Scope][]schema.MetricName)
	outcomes := make(map[schema.Scope]outcome)
	for i, r := range result.Requests {
		o := outcomes[r.Scope]
		o.requests, o.errs = append(o.requests, r), append(o.errs, result.Errs[i])
		outcomes[r.Scope] = o
	}
	p.dropOwn(result.Requests, watermarks)
	for _, scope := range slices.SortedFunc(maps.Keys(scopes), schema.Scope.Compare) {
		o := outcomes[scope]
		o.scope = scope
		refused := p.refusedByName(o)
		p.noteRefused(scope, refused)
		held, broken := p.judge(o, refused)
		p.ownWatermarks(o, refused, !held && p.record.Horizon > 0, watermarks)
		if watermark := p.memory.Watermarks[scope]; !held && p.record.Horizon > watermark {
			watermarks[scope] = p.record.Horizon
			if scopes[scope] {
				// The watermark was held back; an empty scope would have
				// left it behind.
				p.noteLoss(scope.Entity(), watermark)
			}
		}
		for _, r := range o.requests {
			m := r.Metric
			lasting := scope.Part == schema.Labelled || schema.IsCommon(scope.Kind, m) // every pass asks the whole scope for it
			if lasting && !broken[m] && !p.memory.Asked[scope][m] && !slices.Contains(asked[scope], m) {
				asked[scope] = append(asked[scope], m)
			}
		}
	}
	return watermarks, asked
}

// noteLoss notes what Heapster dropped since a watermark that is older than the
// last pass. What every scope lost since then is noted already.
func (p *pass) noteLoss(e schema.Entity, watermark schema.Instant) {
	if watermark >= p.memory.Horizon {
		return
	}
	lost, window := p.timeline.Lost(watermark)
	if lost <= 0 {
		return
	}
	p.hole(archive.Hole{
		Entity: e, Cause: archive.CauseFailed, Window: window,
		Detail: fmt.Sprintf("Heapster had dropped %v of samples before this could be read again; the holes of earlier passes have the reason", lost),
	})
}

// judge notes the missing samples of a scope. It returns whether they hold the
// watermark back, and the metrics that were not answered for every entity. Pods
// that are refused by name are noted already.
func (p *pass) judge(o outcome, refused map[schema.Entity]error) (held bool, broken map[schema.MetricName]bool) {
	broken = make(map[schema.MetricName]bool)
	var failed []int
	nameless := make(map[schema.Entity]bool)
	for i, r := range o.requests {
		err := o.errs[i]
		if err == nil {
			continue
		}
		if errors.Is(err, schema.ErrUnaddressable) && r.Size() == 1 {
			if !nameless[r.Member(0)] {
				nameless[r.Member(0)] = true
				p.noteNameless(o.scope, r.Member(0), err)
			}
			continue
		}
		if r.Size() == 1 && refused[r.Member(0)] != nil {
			continue
		}
		failed = append(failed, i)
		broken[r.Metric] = true
		held = held || !errors.Is(err, schema.ErrRefused) || p.memory.Asked[o.scope][r.Metric]
	}
	if len(failed) == 0 {
		return false, broken
	}
	p.noteFailed(o, failed)
	return held || len(failed) == len(o.requests), broken
}

// noteNameless notes an entity that no URL can name: once, and again for each time
// for which the export, which has it, does not have samples.
func (p *pass) noteNameless(scope schema.Scope, e schema.Entity, err error) {
	h := p.holeOf(e, err)
	h.Lasting = true
	if scope.Part == schema.Plain {
		p.hole(h)
		return
	}
	watermark := p.memory.Watermarks[scope]
	switch {
	case p.metricExport.at > 0 && !p.isMissing(e):
		if h.Window = p.timeline.Between(watermark, p.metricExport.at); watermark == 0 || h.Window.From == 0 {
			return
		}
	case p.metricExport.refused:
		return // nothing could be read of it
	default:
		if h.Window = p.timeline.Since(watermark); h.Window.From == 0 {
			return
		}
	}
	h.Lasting = false
	p.hole(h)
}

// isMissing reports whether the newest batch has the entity, or may have it, and
// the export does not.
func (p *pass) isMissing(e schema.Entity) bool {
	if e.Labels != "" {
		_, shown := p.metricExport.labelled[e]
		return !shown && p.metricExport.doubts.labelled[e] != nil
	}
	return !p.metricExport.exported[e] && (p.present[e] || p.metricExport.doubts.containers[e])
}

// noteFailed notes the failed requests of a scope as one hole.
func (p *pass) noteFailed(o outcome, failed []int) {
	first := o.requests[failed[0]]
	h := p.holeOf(o.scope.Entity(), o.errs[failed[0]])
	if len(failed) > 1 {
		h.Detail = fmt.Sprintf("%d of %d requests, the first: %s", len(failed), len(o.requests), h.Detail)
	} else {
		h.Metric = first.Metric
		if first.Size() == 1 {
			h.Entity = first.Member(0)
		}
	}
	p.hole(h)
}

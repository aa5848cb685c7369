package collect

import (
	"cmp"
	"errors"
	"fmt"

	"heapstash/archive/collect/fetch"
	"heapstash/archive/collect/plan"
	"heapstash/schema"
)

// A pod that is refused by name, while other pods of its namespace are answered,
// does not hold back their watermark. It has a watermark of its own until it is
// answered again. Then the pass asks for everything that is visible of it.

// mostNamed is how many refused pods of a scope have a hole each.
const mostNamed = 20

// dropOwn drops the watermarks of pods that are not asked for any more.
func (p *pass) dropOwn(requests []fetch.Request, watermarks map[schema.Scope]schema.Instant) {
	asked := make(map[schema.Scope]bool)
	for _, r := range requests {
		for i := range r.Size() {
			if e := r.Member(i); e.Kind == schema.Pod {
				asked[plan.OwnScope(e)] = true
			}
		}
	}
	for scope := range p.memory.Watermarks {
		if plan.IsOwn(scope) && len(asked) > 0 && !asked[scope] {
			watermarks[scope] = 0
		}
	}
}

// refusedByName finds the pods that are refused by name, with the error of each.
func (p *pass) refusedByName(o outcome) map[schema.Entity]error {
	if o.scope.Kind != schema.Pod {
		return nil
	}
	answered := make(map[schema.MetricName]bool)
	for i, r := range o.requests {
		answered[r.Metric] = answered[r.Metric] || o.errs[i] == nil
	}
	refused := make(map[schema.Entity]error)
	for i, r := range o.requests {
		err := o.errs[i]
		if r.Size() != 1 || !fetch.MayBeName(err) || errors.Is(err, schema.ErrUnaddressable) {
			continue
		}
		if e := r.Member(0); refused[e] == nil && (answered[r.Metric] || p.fetcher.IsRefused(e)) {
			refused[e] = err
		}
	}
	return refused
}

// noteRefused notes the pods that are refused by name.
func (p *pass) noteRefused(scope schema.Scope, refused map[schema.Entity]error) {
	for n, e := range sorted(refused) {
		if n == mostNamed {
			h := p.holeOf(scope.Entity(), refused[e])
			h.Detail = fmt.Sprintf("%d more pods, the first %s: %s", len(refused)-n, e.Pod, h.Detail)
			p.hole(h)
			return
		}
		p.hole(p.holeOf(e, refused[e]))
	}
}

// ownWatermarks gives the refused pods watermarks of their own, if the scope's
// watermark moves, and drops the ones of pods that were answered.
func (p *pass) ownWatermarks(o outcome, refused map[schema.Entity]error, moves bool, watermarks map[schema.Scope]schema.Instant) {
	if !moves {
		return
	}
	for e := range refused {
		if p.planner.RefusedBefore(e) {
			continue
		}
		own := p.memory.Horizon // the pod is new
		if p.planner.ListedBefore(e) {
			own = p.memory.Watermarks[o.scope]
		}
		if own == 0 { // this is the archive's first pass
			own = cmp.Or(p.timeline.Oldest, p.record.Horizon).Add(-p.timeline.Step)
		}
		watermarks[plan.OwnScope(e)] = own
	}
	answered := make(map[schema.Entity]bool)
	for _, r := range o.requests {
		for i := range r.Size() {
			if e := r.Member(i); refused[e] == nil && p.planner.RefusedBefore(e) {
				answered[e] = true
			}
		}
	}
	for _, e := range sorted(answered) {
		watermarks[plan.OwnScope(e)] = 0
		p.noteLoss(e, p.planner.WatermarkOf(e, o.scope))
	}
}

package collect

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heapstash/schema"
)

// A pod that is refused by its name, where others of its namespace are
// answered, does not hold back their watermark. It has one of its own until it
// is answered again, from which all that is still visible of it is asked for.

// mostNamed is how many refused pods of a scope have a hole each.
const mostNamed = 20

// ownScope is what the watermark of one pod covers. No namespace has a slash
// in its name.
func ownScope(e schema.Entity) schema.Scope {
	return schema.Scope{Kind: schema.Pod, Name: e.Namespace + "/" + e.Pod}
}

// refusedBefore reports whether the last pass could not read the pod, others
// of its namespace being answered.
func (p *pass) refusedBefore(e schema.Entity) bool {
	_, own := p.memory.Watermarks[ownScope(e)]
	return e.Kind == schema.Pod && own
}

// forgetOwn drops the watermarks of pods that are asked for no more.
func (p *pass) forgetOwn(plan plan, watermarks map[schema.Scope]schema.Instant) {
	asked := make(map[schema.Scope]bool)
	for _, r := range plan.requests {
		for i := range r.size() {
			if e := r.member(i); e.Kind == schema.Pod {
				asked[ownScope(e)] = true
			}
		}
	}
	for scope := range p.memory.Watermarks {
		if scope.Kind == schema.Pod && strings.Contains(scope.Name, "/") && len(asked) > 0 && !asked[scope] {
			watermarks[scope] = 0
		}
	}
}

// watermarkOf is up to where the entity was read whole.
func (p *pass) watermarkOf(e schema.Entity, scope schema.Scope) schema.Instant {
	watermark := p.memory.Watermarks[scope]
	if e.Kind == schema.Pod && scope == e.Scope() {
		if own, refused := p.memory.Watermarks[ownScope(e)]; refused {
			return min(own, watermark)
		}
	}
	return watermark
}

// refusedByName finds the pods of the scope that are refused by their names,
// with the error of each.
func (p *pass) refusedByName(scope schema.Scope, requests []request, members []int, errs []error) map[schema.Entity]error {
	if scope.Kind != schema.Pod {
		return nil
	}
	answered := make(map[schema.MetricName]bool)
	for _, i := range members {
		answered[requests[i].metric] = answered[requests[i].metric] || errs[i] == nil
	}
	refused := make(map[schema.Entity]error)
	for _, i := range members {
		r, err := requests[i], errs[i]
		if r.size() != 1 || !splits(err) || errors.Is(err, schema.ErrUnaddressable) {
			continue
		}
		if e := r.member(0); refused[e] == nil && (answered[r.metric] || p.splits.knows(e)) {
			refused[e] = err
		}
	}
	return refused
}

// noteRefused makes holes of pods that are refused by their names.
func (p *pass) noteRefused(scope schema.Scope, refused map[schema.Entity]error) {
	for n, e := range slices.SortedFunc(maps.Keys(refused), compareEntities) {
		if n == mostNamed {
			h := holeOf(scope.Entity(), refused[e])
			h.Detail = fmt.Sprintf("%d more pods, the first %s: %s", len(refused)-n, e.Pod, h.Detail)
			p.hole(h)
			return
		}
		p.hole(holeOf(e, refused[e]))
	}
}

// ownWatermarks gives the scope's refused pods watermarks of their own, and
// takes them from those that were answered.
func (p *pass) ownWatermarks(plan plan, refused map[schema.Entity]error, moved bool, watermarks map[schema.Scope]schema.Instant, scope schema.Scope) {
	for e := range refused {
		if moved && !p.refusedBefore(e) {
			own := p.memory.Horizon // it was not there
			if p.listedBefore(e) {
				own = p.memory.Watermarks[scope]
			}
			if own == 0 { // nothing was promised of what came before this pass
				own = cmp.Or(p.oldest, p.record.Horizon).Add(-p.step)
			}
			watermarks[ownScope(e)] = own
		}
	}
	if !moved {
		return
	}
	seen := make(map[schema.Entity]bool)
	for _, r := range plan.requests {
		if r.scope != scope {
			continue
		}
		for i := range r.size() {
			e := r.member(i)
			if seen[e] || refused[e] != nil || !p.refusedBefore(e) {
				continue
			}
			seen[e] = true
			watermarks[ownScope(e)] = 0
			p.findLoss(e, p.watermarkOf(e, scope))
		}
	}
}

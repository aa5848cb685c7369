package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"heapstash/schema"
)

// givingUp is how many requests in a row may find nobody before a pass stops
// asking: each has been tried several times already.
const givingUp = 16

// fetched is what a stage brought.
type fetched struct {
	rows       []schema.Row
	watermarks map[schema.Scope]schema.Instant
	asked      map[schema.Scope][]schema.MetricName
}

// fetch carries out a plan. Requests that fail leave holes; the only error is
// that of ctx.
func (p *pass) fetch(ctx context.Context, plan plan) (fetched, error) {
	rows := newRows()
	errs := make([]error, len(plan.requests))
	var mu sync.Mutex // guards rows
	var unreachable atomic.Int32
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, r := range plan.requests {
		if unreachable.Load() >= givingUp {
			errs[i] = fmt.Errorf("not asked after %d requests without an answer: %w", givingUp, schema.ErrUnreachable)
			continue
		}
		group.Go(func() error {
			series, err := p.read(ctx, r)
			switch {
			case err == nil:
				unreachable.Store(0)
			case errors.Is(err, schema.ErrUnreachable):
				unreachable.Add(1)
			}
			errs[i] = err
			mu.Lock()
			defer mu.Unlock()
			for j, points := range series {
				rows.add(r.entities[j], r.metric, points)
			}
			return nil
		})
	}
	group.Wait() // its functions return no error
	if err := ctx.Err(); err != nil {
		return fetched{}, err
	}
	result := fetched{rows: rows.all()}
	result.watermarks, result.asked = p.settle(plan.requests, errs)
	return result, nil
}

// read carries out one request and returns a series for each of its entities.
func (p *pass) read(ctx context.Context, r request) ([][]schema.Point, error) {
	if r.scope.Kind == schema.Pod {
		names := make([]string, len(r.entities))
		for i, e := range r.entities {
			names[i] = e.Pod
		}
		return p.source.PodSeries(ctx, r.scope.Name, names, r.metric, r.start)
	}
	points, err := p.source.Series(ctx, r.entities[0], r.metric, r.start)
	return [][]schema.Point{points}, err
}

// settle judges each scope by its requests. A watermark moves to the horizon
// where the scope was fetched whole, for then nothing up to there is missing.
// What was refused, or could not be addressed, since ever does not hold it
// back: nothing of that was ever promised, and it is asked for without a
// start once it answers.
func (p *pass) settle(requests []request, errs []error) (map[schema.Scope]schema.Instant, map[schema.Scope][]schema.MetricName) {
	watermarks := make(map[schema.Scope]schema.Instant)
	asked := make(map[schema.Scope][]schema.MetricName)
	scopes, members := byScope(requests)
	for _, scope := range scopes {
		indexes := members[scope]
		var failed []int
		broken := make(map[schema.MetricName]bool)
		held := false
		for _, i := range indexes {
			if errs[i] == nil {
				continue
			}
			failed = append(failed, i)
			broken[requests[i].metric] = true
			lasting := errors.Is(errs[i], schema.ErrRefused) || errors.Is(errs[i], schema.ErrUnaddressable)
			held = held || !lasting || p.memory.Asked[scope][requests[i].metric]
		}
		if len(failed) > 0 {
			p.hole(scopeHole(requests, errs, failed, len(indexes)))
		}
		held = held || len(failed) == len(indexes)
		if !held && p.record.Horizon > p.memory.Watermarks[scope] {
			watermarks[scope] = p.record.Horizon
		}
		for _, i := range indexes {
			m := requests[i].metric
			if broken[m] || p.memory.Asked[scope][m] || slices.Contains(asked[scope], m) {
				continue
			}
			if metric, ok := schema.Lookup(m); ok && metric.On(scope.Kind) {
				asked[scope] = append(asked[scope], m)
			}
		}
	}
	return watermarks, asked
}

// byScope groups the requests' indexes, and lists the scopes in the order of
// their first requests.
func byScope(requests []request) ([]schema.Scope, map[schema.Scope][]int) {
	var scopes []schema.Scope
	members := make(map[schema.Scope][]int)
	for i, r := range requests {
		if members[r.scope] == nil {
			scopes = append(scopes, r.scope)
		}
		members[r.scope] = append(members[r.scope], i)
	}
	return scopes, members
}

// scopeHole describes the failed requests of one scope: as exactly as one
// line can.
func scopeHole(requests []request, errs []error, failed []int, total int) schema.Hole {
	first := requests[failed[0]]
	hole := schema.Hole{
		Entity: schema.Entity{Kind: first.scope.Kind, Namespace: first.entities[0].Namespace, Node: first.entities[0].Node},
		Cause:  schema.CauseOf(errs[failed[0]]),
		Detail: errs[failed[0]].Error(),
	}
	hole.Lasting = true
	for _, i := range failed {
		hole.Lasting = hole.Lasting && errors.Is(errs[i], schema.ErrUnaddressable)
	}
	if len(failed) > 1 {
		hole.Detail = fmt.Sprintf("%d of %d requests, the first: %s", len(failed), total, hole.Detail)
		return hole
	}
	hole.Metric = first.metric
	if len(first.entities) == 1 {
		hole.Entity = first.entities[0]
	}
	return hole
}

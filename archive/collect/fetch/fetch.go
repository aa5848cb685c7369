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

// answers are what the requests of a plan brought.
type answers struct {
	rows []schema.Row
	errs []error // of each request
}

// fetch carries out a plan. What was split has several requests in it then. The
// only error is that of ctx.
func (p *pass) fetch(ctx context.Context, plan *plan) (answers, error) {
	rows := newRows()
	errs := make([]error, len(plan.requests))
	var parts []part  // of requests that were split, beyond their first
	var mu sync.Mutex // guards rows and parts
	var unreachable atomic.Int32
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, r := range slices.Clone(plan.requests) {
		if isOptional(r) && p.overBudget() {
			errs[i] = fmt.Errorf("left out %v after the pass began: %w", p.Budget, schema.ErrBudget)
			continue
		}
		if unreachable.Load() >= givingUp {
			errs[i] = fmt.Errorf("not asked after %d requests without an answer: %w", givingUp, schema.ErrUnreachable)
			continue
		}
		if errs[i] = p.full(); errs[i] != nil {
			continue
		}
		group.Go(func() error {
			answers := p.splits.ask(ctx, r)
			for j := range answers {
				a := &answers[j]
				if a.err == nil {
					a.err = p.take(pointsOf(a.series))
				}
				switch {
				case a.err == nil:
					unreachable.Store(0)
				case errors.Is(a.err, schema.ErrUnreachable):
					unreachable.Add(1)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for _, a := range answers {
				for j, points := range a.series {
					if a.err == nil {
						rows.add(a.member(j), a.metric, points)
					}
				}
			}
			plan.requests[i], errs[i] = answers[0].request, answers[0].err
			parts = append(parts, answers[1:]...)
			return nil
		})
	}
	group.Wait() // its functions return no error
	for _, a := range parts {
		plan.requests, errs = append(plan.requests, a.request), append(errs, a.err)
	}
	if err := ctx.Err(); err != nil {
		return answers{}, err
	}
	return answers{rows.all(), errs}, nil
}

func pointsOf(series [][]schema.Point) int {
	count := 0
	for _, points := range series {
		count += len(points)
	}
	return count
}

// isOptional reports whether the request may be left out when time is short.
// Pods, namespaces, nodes and the cluster are never left out.
func isOptional(r request) bool {
	return isContainer(r.scope.Kind) || r.scope.Part == schema.Labelled
}

func (p *pass) overBudget() bool {
	return p.Budget > 0 && p.Now().Sub(p.record.Started) > p.Budget
}

// read carries out one request and returns a series for each of its entities.
func (p *pass) read(ctx context.Context, r request) ([][]schema.Point, error) {
	if r.pods != nil {
		return p.source.PodSeries(ctx, r.entity.Namespace, r.pods, r.metric, r.start)
	}
	points, err := p.source.Series(ctx, r.entity, r.metric, r.start)
	return [][]schema.Point{points}, err
}

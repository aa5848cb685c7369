package collect

import (
	"context"
	"errors"
	"fmt"
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

// fetch carries out a plan. The only error is that of ctx.
func (p *pass) fetch(ctx context.Context, plan plan) (answers, error) {
	rows := newRows()
	errs := make([]error, len(plan.requests))
	var mu sync.Mutex // guards rows
	var unreachable atomic.Int32
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, r := range plan.requests {
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
			series, err := p.read(ctx, r)
			if err == nil {
				err = p.take(pointsOf(series))
			}
			switch {
			case err == nil:
				unreachable.Store(0)
			case errors.Is(err, schema.ErrUnreachable):
				unreachable.Add(1)
			}
			if errs[i] = err; err != nil {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for j, points := range series {
				rows.add(r.member(j), r.metric, points)
			}
			return nil
		})
	}
	group.Wait() // its functions return no error
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

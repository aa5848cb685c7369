// Package fetch sends a pass's requests: several at once, in parts if a proxy
// refuses a request for many pods, and no more once nothing answers. It does not
// decide what to ask for.
package fetch

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

// mostUnanswered is how many requests in a row may get no answer before no more
// are sent. Each was tried several times.
const mostUnanswered = 16

// Fetcher sends the requests of one pass.
type Fetcher struct {
	// Skip returns an error for a request that is not to be sent any more.
	Skip func(Request) error
	// Take counts samples, and returns an error if they are too many; with 0,
	// if there is no room for one more. It is called concurrently.
	Take func(samples int) error

	concurrency int
	splitter
}

// New returns a fetcher that sends so many requests at once. WasRefused reports
// whether the last pass could not read a pod although it read others of the same
// namespace.
func New(source Source, concurrency int, wasRefused func(schema.Entity) bool) *Fetcher {
	return &Fetcher{concurrency: concurrency, splitter: splitter{
		source:     source,
		wasRefused: wasRefused,
		refused:    make(map[schema.Entity]error),
		fits:       make(map[schema.Scope]int),
		fruitless:  make(map[schema.MetricName]bool),
	}}
}

// Result is what requests brought.
type Result struct {
	Rows     []schema.Row
	Requests []Request // as they were sent, some of them in parts
	Errs     []error   // one for each of Requests; nil where it was answered
}

// Fetch sends the requests.
func (f *Fetcher) Fetch(ctx context.Context, requests []Request) Result {
	rows := NewRows()
	result := Result{Requests: slices.Clone(requests), Errs: make([]error, len(requests))}
	var more []part   // the parts of requests that were split, without the first
	var mu sync.Mutex // guards rows, more and result
	var unanswered atomic.Int32
	var group errgroup.Group
	group.SetLimit(f.concurrency)
	for i, r := range requests {
		if err := f.refuse(r, int(unanswered.Load())); err != nil {
			result.Errs[i] = err
			continue
		}
		group.Go(func() error {
			parts := f.fetch(ctx, r)
			for j := range parts {
				f.count(&parts[j], &unanswered)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, part := range parts {
				for j, points := range part.series {
					if part.err == nil {
						rows.Add(part.Member(j), part.Metric, points)
					}
				}
			}
			result.Requests[i], result.Errs[i] = parts[0].Request, parts[0].err
			more = append(more, parts[1:]...)
			return nil
		})
	}
	group.Wait() // its functions return no error
	for _, part := range more {
		result.Requests, result.Errs = append(result.Requests, part.Request), append(result.Errs, part.err)
	}
	result.Rows = rows.All()
	return result
}

// refuse returns an error for a request that is not sent.
func (f *Fetcher) refuse(r Request, unanswered int) error {
	if err := f.Skip(r); err != nil {
		return err
	}
	if unanswered >= mostUnanswered {
		return fmt.Errorf("not asked after %d requests without an answer: %w", mostUnanswered, schema.ErrUnreachable)
	}
	return f.Take(0)
}

// count takes the samples of the part, and counts the requests in a row that
// were not answered.
func (f *Fetcher) count(p *part, unanswered *atomic.Int32) {
	if p.err == nil {
		samples := 0
		for _, points := range p.series {
			samples += len(points)
		}
		p.err = f.Take(samples)
	}
	switch {
	case p.err == nil:
		unanswered.Store(0)
	case errors.Is(p.err, schema.ErrUnreachable):
		unanswered.Add(1)
	}
}

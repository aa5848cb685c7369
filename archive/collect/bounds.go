package collect

import (
	"context"
	"errors"
	"fmt"

	"heapstash/schema"
)

// withDeadline returns the context that a pass asks with. It ends at the pass's
// deadline, so that a pass with slow answers gives back the archive's lock. The
// pass's own context goes on, to store what was read.
func (p *pass) withDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.Deadline <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, p.Deadline-p.Now().Sub(p.record.Started))
}

// cancelled returns an error if the pass was cancelled. A deadline is not an
// error: the answers that are missing then are holes.
func cancelled(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return nil
}

// overdue returns an error with a hint for the error of a context that ended at the
// pass's deadline, and any other error unchanged.
func (p *pass) overdue(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return schema.WithHint(fmt.Errorf("no answer within %v after the pass began: %w", p.Deadline, schema.ErrBudget),
		"Heapster, or a proxy in front of it, is slow: raise concurrency, narrow what is archived (kinds, namespace), or raise collect.deadline")
}

func (p *pass) overBudget() bool {
	return p.Budget > 0 && p.Now().Sub(p.record.Started) > p.Budget
}

// checkEntities refuses a list that is too long, before anything is stored.
func (p *pass) checkEntities(count int) error {
	if count > p.MaxEntities {
		return schema.Beyond("limits.entities", "Heapster lists more than %d entities", p.MaxEntities)
	}
	return nil
}

// take counts samples, and refuses those beyond what a pass may take. It may be
// called concurrently.
func (p *pass) take(samples int) error {
	if p.taken.Add(int64(samples)) > int64(p.MaxSamples) {
		return schema.Beyond("limits.samples", "more than %d samples in one pass", p.MaxSamples)
	}
	return nil
}

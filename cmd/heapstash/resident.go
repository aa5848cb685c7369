package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"heapstash/archive/collect"
	"heapstash/schema"
)

// resident makes passes on a schedule until it is told to stop.
type resident struct {
	pass     func(context.Context) (collect.Summary, error)
	schedule cron.Schedule
	record   func(s collect.Summary, took time.Duration, err error)
	log      *slog.Logger
}

// run makes a pass at once and then at each of the schedule's moments, but
// for those at which the one before is still under way. When ctx ends it ends
// the pass in hand, waits for it, and returns nil.
//
// A pass that fails is logged, and the next one goes on. Only when the first
// one fails for a reason that no later pass would find mended, such as a file
// that is no archive, run returns that error.
func (r resident) run(ctx context.Context) error {
	err := r.once(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil && !passing(err) {
		return err
	}
	if err != nil {
		r.logFailure(err)
	}
	logger := cronLogger{r.log}
	// In the other order a panic would leave the mark of a running pass
	// behind, and every later one would be skipped.
	chain := cron.NewChain(cron.SkipIfStillRunning(logger), cron.Recover(logger))
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger))
	c.Schedule(r.schedule, chain.Then(cron.FuncJob(func() {
		if err := r.once(ctx); err != nil && ctx.Err() == nil {
			r.logFailure(err)
		}
	})))
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
	return nil
}

// once makes a pass, and records it unless it was told to stop.
func (r resident) once(ctx context.Context) error {
	started := time.Now()
	summary, err := r.pass(ctx)
	took := time.Since(started)
	if p := summary.Pass; err == nil && p.Finished.After(p.Started) {
		took = p.Finished.Sub(p.Started) // as the ledger has it, without opening the archive
	}
	if err != nil && ctx.Err() != nil {
		r.log.Info("the pass in hand was ended", "took", took.Round(time.Millisecond))
		return err
	}
	r.record(summary, took, err)
	if err == nil {
		p := summary.Pass
		r.log.Info("pass", "outcome", p.Outcome, "new", p.New, "conflicts", p.Conflicts, "holes", len(summary.Holes),
			"newest", p.Newest, "requests", p.Requests, "took", took.Round(time.Millisecond))
	}
	return err
}

func (r resident) logFailure(err error) {
	attrs := []any{"error", err}
	if hint := schema.HintOf(err); hint != "" {
		attrs = append(attrs, "hint", hint)
	}
	r.log.Error("pass failed", attrs...)
}

// passing reports whether a later pass may find the reason of an error gone:
// it is Heapster's, or another writer's.
func passing(err error) bool {
	for _, reason := range []error{
		schema.ErrUnreachable, schema.ErrRefused, schema.ErrNotFound, schema.ErrProtocol, schema.ErrLocked,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// cronLogger tells of what cron's wrappers do: passes skipped, and panics.
type cronLogger struct{ log *slog.Logger }

func (l cronLogger) Info(msg string, _ ...any) {
	if msg == "skip" {
		l.log.Warn("a pass is left out: the one before is still under way")
	}
}

func (l cronLogger) Error(err error, msg string, attrs ...any) {
	l.log.Error(msg, append([]any{"error", err}, attrs...)...)
}

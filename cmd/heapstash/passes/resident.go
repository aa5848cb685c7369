package passes

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/engine"
	"heapstash/cmd/heapstash/schedule"
	"heapstash/schema"
)

// Resident makes passes on a schedule until its context ends.
type Resident struct {
	Pass     func(context.Context) (collect.Summary, error)
	Schedule schedule.Schedule
	Record   func(s collect.Summary, took time.Duration, err error)
	Log      *slog.Logger
}

// Run makes a pass at once and then at each moment of the schedule, except while the
// pass before is still under way. When ctx ends, Run ends the pass in hand, waits for
// it, and returns nil.
//
// If a pass fails, Run logs it and goes on. Only if the first pass fails for a reason
// that lasts, such as a file that is not an archive, Run returns the error.
func (r Resident) Run(ctx context.Context) error {
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
	r.Schedule.Run(ctx, r.Log, func() {
		if err := r.once(ctx); err != nil && ctx.Err() == nil {
			r.logFailure(err)
		}
	})
	return nil
}

// once makes a pass. It records the pass unless ctx ended it.
func (r Resident) once(ctx context.Context) error {
	started := time.Now()
	summary, err := r.Pass(ctx)
	took := time.Since(started)
	if p := summary.Pass; err == nil && p.Finished.After(p.Started) {
		took = p.Finished.Sub(p.Started) // as the ledger has it, without opening the archive
	}
	if err != nil && ctx.Err() != nil {
		r.Log.Info("the pass in hand was ended", "took", took.Round(time.Millisecond))
		return err
	}
	r.Record(summary, took, err)
	if err == nil {
		p := summary.Pass
		r.Log.Info("pass", "outcome", p.Outcome, "new", p.New, "conflicts", p.Conflicts, "holes", len(summary.Holes),
			"newest", p.Newest, "requests", p.Requests, "took", took.Round(time.Millisecond))
	}
	return err
}

func (r Resident) logFailure(err error) {
	attrs := []any{"error", err}
	if hint := schema.HintOf(err); hint != "" {
		attrs = append(attrs, "hint", hint)
	}
	r.Log.Error("pass failed", attrs...)
}

// passing reports whether the next pass may succeed: the error comes from Heapster, from
// another writer, or from a server of the archive that does not answer.
func passing(err error) bool {
	for _, reason := range []error{schema.ErrUnreachable, schema.ErrRefused, schema.ErrNotFound, schema.ErrProtocol} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return engine.MayPass(err)
}

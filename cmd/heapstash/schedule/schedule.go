// Package schedule knows when passes are due, by cron's rules and in UTC.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"heapstash/schema"
)

// Schedule is the moments at which passes begin.
type Schedule struct{ moments cron.Schedule }

// Parse reads @every DURATION, another @word of cron's, or cron's five fields.
// Times are UTC.
func Parse(spec string) (Schedule, error) {
	const forms = "write @every 1m, or the five fields of cron"
	// cron panics at a zone without fields behind it.
	if strings.Contains(spec, "TZ=") {
		return Schedule{}, errors.New("a time zone is not allowed: times are UTC")
	}
	moments, err := cron.ParseStandard(spec)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a schedule: %s", spec, forms)
	}
	if rest, ok := strings.CutPrefix(spec, "@every "); ok {
		// cron raises anything below a second to a second.
		if d, err := time.ParseDuration(strings.TrimSpace(rest)); err != nil || d < time.Second {
			return Schedule{}, fmt.Errorf("%q is too often: at least @every 1s", spec)
		}
	}
	if moments.Next(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, fmt.Errorf("%q never comes", spec)
	}
	return Schedule{moments}, nil
}

// LongestPause returns the longest time between two of the schedule's moments
// within a week, or the pause that reaches over the week's end.
func (s Schedule) LongestPause() time.Duration {
	if every, ok := s.moments.(cron.ConstantDelaySchedule); ok {
		return every.Delay
	}
	var longest time.Duration
	begin := s.moments.Next(time.Unix(0, 0).UTC())
	for at := begin; at.Sub(begin) < 7*24*time.Hour; {
		next := s.moments.Next(at)
		longest = max(longest, next.Sub(at))
		at = next
	}
	return longest
}

// Warning says which samples the schedule loses, empty if none.
func (s Schedule) Warning() string {
	pause := s.LongestPause()
	switch {
	case pause <= time.Minute:
		return ""
	case pause <= 2*time.Minute:
		return fmt.Sprintf("passes are up to %v apart: Heapster keeps most samples for %v, so one late pass loses some; every minute is safe", pause, schema.ShortRetention)
	default:
		return fmt.Sprintf("passes are up to %v apart: Heapster keeps most samples for %v, so those between are lost; run every minute", pause, schema.ShortRetention)
	}
}

// Run calls the job at each of the schedule's moments, but not while the call
// before is still under way. A panic of the job is logged. When ctx ends, Run
// waits for the job.
func (s Schedule) Run(ctx context.Context, log *slog.Logger, job func()) {
	logger := cronLogger{log}
	// In the other order a panic would leave the mark of a running job behind,
	// and every later one would be skipped.
	chain := cron.NewChain(cron.SkipIfStillRunning(logger), cron.Recover(logger))
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger))
	c.Schedule(s.moments, chain.Then(cron.FuncJob(job)))
	c.Start()
	<-ctx.Done()
	<-c.Stop().Done()
}

// cronLogger logs what cron's wrappers do: they skip passes, and catch panics.
type cronLogger struct{ log *slog.Logger }

func (l cronLogger) Info(msg string, _ ...any) {
	if msg == "skip" {
		l.log.Warn("a pass is left out: the one before is still under way")
	}
}

func (l cronLogger) Error(err error, msg string, attrs ...any) {
	l.log.Error(msg, append([]any{"error", err}, attrs...)...)
}

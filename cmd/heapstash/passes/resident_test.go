package passes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/cmd/heapstash/schedule"
	"heapstash/schema"
)

// scripted is a resident whose passes are functions, one after the other; the last one
// repeats. It records when each pass began.
type scripted struct {
	Resident
	began    []time.Duration // since the start
	recorded []error
	logged   bytes.Buffer
}

func newScripted(t *testing.T, passes ...func(context.Context) error) *scripted {
	t.Helper()
	schedule, err := schedule.Parse("@every 1m")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s := &scripted{}
	s.Resident = Resident{
		Schedule: schedule,
		Log:      slog.New(slog.NewTextHandler(&s.logged, nil)),
		Record:   func(_ collect.Summary, _ time.Duration, err error) { s.recorded = append(s.recorded, err) },
		Pass: func(ctx context.Context) (collect.Summary, error) {
			pass := passes[min(len(s.began), len(passes)-1)]
			s.began = append(s.began, time.Since(start))
			return collect.Summary{}, pass(ctx)
		},
	}
	return s
}

func minutes(ns ...int) []time.Duration {
	times := make([]time.Duration, len(ns))
	for i, n := range ns {
		times[i] = time.Duration(n) * time.Minute
	}
	return times
}

func well(context.Context) error { return nil }

func takes(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func fails(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func TestResidentKeepsItsSchedule(t *testing.T) {
	unreachable := fmt.Errorf("host: %w", schema.ErrUnreachable)
	tests := []struct {
		name   string
		passes []func(context.Context) error
		want   []time.Duration // when passes began within four minutes and a half
		logged string
	}{
		{"all is well", []func(context.Context) error{well}, minutes(0, 1, 2, 3, 4), ""},
		{"the first pass fails", []func(context.Context) error{fails(unreachable), well}, minutes(0, 1, 2, 3, 4), "pass failed"},
		{"a later pass fails for good", []func(context.Context) error{well, fails(archive.ErrNotArchive), well}, minutes(0, 1, 2, 3, 4), "pass failed"},
		{"a pass takes too long", []func(context.Context) error{well, takes(90 * time.Second), well}, minutes(0, 1, 3, 4), "left out"},
		{"a pass panics", []func(context.Context) error{well, func(context.Context) error { panic("!") }, well}, minutes(0, 1, 2, 3, 4), "panic"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute+30*time.Second)
				defer cancel()
				s := newScripted(t, test.passes...)
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
				if !slices.Equal(s.began, test.want) {
					t.Errorf("passes began at %v, want %v", s.began, test.want)
				}
				if !strings.Contains(s.logged.String(), test.logged) {
					t.Errorf("%q is not logged:\n%s", test.logged, s.logged.String())
				}
			})
		})
	}
}

func TestResidentEndsForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(t, fails(archive.ErrNotArchive))
		if err := s.Run(t.Context()); !errors.Is(err, archive.ErrNotArchive) {
			t.Errorf("got %v", err)
		}
		if len(s.began) != 1 {
			t.Errorf("%d passes", len(s.began))
		}
	})
}

// When ctx ends, the resident ends the pass in hand and waits for it, the first or a
// later one. It does not record this pass.
func TestResidentStops(t *testing.T) {
	for name, passes := range map[string][]func(context.Context) error{
		"first": {takes(time.Hour)},
		"later": {well, takes(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				defer cancel()
				s := newScripted(t, passes...)
				if err := s.Run(ctx); err != nil {
					t.Error(err)
				}
				if len(s.began) != len(passes) || len(s.recorded) != len(passes)-1 {
					t.Errorf("%d passes, %d recorded", len(s.began), len(s.recorded))
				}
			})
		})
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"heapstash/e2e/rig"
)

const mb = 1e6

// print prints the last day.
func (s *soak) print(out io.Writer) {
	n := len(s.days)
	d := s.days[n-1]
	var before int64
	if n > 1 {
		before = s.days[n-2].size
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Fprintf(out, "| %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f |\n", n, d.stored, float64(d.size)/mb,
		float64(d.size-before)/mb, ms(d.median), ms(d.slow), ms(d.cpu), float64(d.heap)/mb, float64(d.rss)/mb, d.wall.Seconds())
}

// judge fails unless the last days were like the first, and the archive holds
// what was fed.
func (s *soak) judge(ctx context.Context, out io.Writer) error {
	var errs []error
	// flat compares the middle of the last third with that of the first, the
	// first day aside: it begins without an archive.
	flat := func(what string, limit float64, of func(day) float64) {
		third := max(1, len(s.days)/3)
		if len(s.days) < 3 {
			return
		}
		var early, late []float64
		for i := range third {
			early = append(early, of(s.days[min(i+1, len(s.days)-1)]))
			late = append(late, of(s.days[len(s.days)-1-i]))
		}
		slices.Sort(early)
		slices.Sort(late)
		ratio := late[third/2] / early[third/2]
		fmt.Fprintf(out, "%-28s %.2f times that of the first third, in the last; at most %.2f\n", what, ratio, limit)
		if ratio > limit {
			errs = append(errs, fmt.Errorf("%s grows: %.2f times, at most %.2f", what, ratio, limit))
		}
	}
	flat("heap", 1.2, func(d day) float64 { return float64(d.heap) })
	flat("resident memory", 1.2, func(d day) float64 { return float64(d.rss) })
	flat("time of a pass", 1.5, func(d day) float64 { return float64(d.median) })
	flat("CPU time of a pass", 1.3, func(d day) float64 { return float64(d.cpu) })
	growth := make(map[time.Duration]float64) // by the day's place
	for i := 1; i < len(s.days); i++ {
		growth[time.Duration(i)] = float64(s.days[i].size - s.days[i-1].size)
	}
	for i := range s.days { // so that growth is compared like the others
		s.days[i].wall = time.Duration(i)
	}
	flat("growth of the archive a day", 1.1, func(d day) float64 { return growth[d.wall] })
	return errors.Join(append(errs, s.count(ctx, out), s.check(ctx, out))...)
}

// count compares the archive with what was fed, as the stock shell counts it.
func (s *soak) count(ctx context.Context, out io.Writer) error {
	began := time.Now()
	answer, err := exec.CommandContext(ctx, "sqlite3", "-readonly", s.path,
		"SELECT count(*) FROM samples; SELECT count(*) FROM holes; SELECT count(*) FROM passes WHERE outcome = 'complete'; SELECT count(*) FROM conflicts").CombinedOutput()
	if err != nil {
		return fmt.Errorf("sqlite3: %w\n%s", err, answer)
	}
	want := fmt.Sprintf("%d\n0\n%d\n0\n", s.fed, s.length*batchesADay)
	if string(answer) != want {
		return fmt.Errorf("samples, holes, complete passes and conflicts are\n%swant\n%s", answer, want)
	}
	if s.stored != s.fed {
		return fmt.Errorf("passes say that they stored %d samples, %d were fed", s.stored, s.fed)
	}
	fmt.Fprintf(out, "every one of %d samples is there, once, in %d complete passes without a hole (counted in %v)\n",
		s.fed, s.length*batchesADay, time.Since(began).Round(time.Second))
	return nil
}

func (s *soak) check(ctx context.Context, out io.Writer) error {
	program, err := rig.BuildHeapstash()
	if err != nil {
		return err
	}
	began := time.Now()
	answer, err := exec.CommandContext(ctx, program, "check", "--db-file", s.path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("heapstash check: %w\n%s", err, answer)
	}
	lines := strings.Split(strings.TrimSpace(string(answer)), "\n")
	fmt.Fprintf(out, "heapstash check: %s (%v)\n", lines[len(lines)-1], time.Since(began).Round(time.Second))
	return nil
}

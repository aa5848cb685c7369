package collect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const century = 94 * 365 * 24 * time.Hour

// A clock that is years ahead is a hole with the cause clock, and not a gap.
// Once it is set right, everything is as before.
func TestClockYearsAhead(t *testing.T) {
	for name, skew := range map[string]int64{"94 years": int64(century / time.Second), "400 years": 400 * 365 * 86400, "two days": 2 * 86400} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, heapsim.Options{})
			var log strings.Builder
			w.logTo(&log)
			for minute := range 3 {
				w.feed(minute, small(minute, "a", "gone")...)
				w.pass(archive.OutcomeComplete, 8)
			}
			w.skew.Store(skew)
			for minute := 3; minute < 8; minute++ {
				log.Reset()
				w.feed(minute, small(minute, "a")...)
				s := w.pass(archive.OutcomeComplete, 6)
				want := ""
				if minute == 3 {
					want = "pass:clock"
				}
				if got := causes(s); got != want {
					t.Errorf("minute %d: holes %q, want %q", minute, got, want)
				}
				if s.Pass.Gap != 0 {
					t.Errorf("minute %d: a gap of %v", minute, s.Pass.Gap)
				}
				if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "lies in the future") {
					t.Errorf("minute %d: no warning: %s", minute, log.String())
				}
			}
			w.want("SELECT count(*) FROM gaps", "0")

			w.skew.Store(0)
			last := 12
			if skew > 90*365*86400 && skew < 100*365*86400 {
				last = 30 // until what vanished is forgotten
			}
			for minute := 8; minute < last; minute++ {
				log.Reset()
				w.feed(minute, small(minute, "a")...)
				s := w.pass(archive.OutcomeComplete, 6)
				want := ""
				if minute == 8 {
					want = "pass:clock"
				}
				if s.Pass.Horizon != schema.InstantOf(noon.Add(time.Duration(minute)*time.Minute)) {
					t.Errorf("minute %d: the horizon is %v", minute, s.Pass.Horizon)
				}
				want = strings.TrimSpace(want + " pass:export") // until Heapster is restarted
				if got := causes(s); got != want {
					t.Errorf("minute %d: holes %q, want %q", minute, got, want)
				}
				if minute > 8 && strings.Contains(log.String(), "level=WARN") {
					t.Errorf("minute %d: %s", minute, log.String())
				}
				if minute == 29 && s.Pass.Entities != 4 {
					t.Errorf("%d entities are asked for, want 4: what vanished while the clock was ahead is forgotten", s.Pass.Entities)
				}
			}
			w.want("SELECT count(*) FROM gaps", "0")
			w.want("SELECT count(*) FROM samples WHERE pod = 'a'", fmt.Sprint(2*last))
			w.want("SELECT pod, time(last_seen, 'unixepoch') FROM entities WHERE kind = 'pod' AND NOT listed", "gone|12:02:00")
		})
	}
}

// A pod that vanished while the clock was ahead is forgotten later, like any
// other.
func TestVanishedWhileAhead(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.skew.Store(int64(century / time.Second))
	w.feed(0, small(0, "a", "gone")...)
	w.pass(archive.OutcomeComplete, 8)
	w.feed(1, small(1, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.skew.Store(0)
	for minute := 2; minute < 25; minute++ {
		w.feed(minute, small(minute, "a")...)
		s := w.pass(archive.OutcomeComplete, 6)
		if minute == 24 && s.Pass.Entities != 4 {
			t.Errorf("%d entities are asked for, want 4", s.Pass.Entities)
		}
	}
	w.want("SELECT count(*) FROM entities WHERE last_seen > unixepoch('2018-01-01')", "0")
}

// The local clock shows how much was lost while Heapster's clock was set.
func TestGapWhileClockIsSet(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.skew.Store(int64(century / time.Second))
	for minute := 57; minute <= 60; minute++ {
		w.feed(minute, small(minute, "a")...)
	}
	s, err := w.try(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := causes(s); got != "pass:clock pass:late" {
		t.Errorf("holes %s", got)
	}
	if s.Pass.Gap < 55*time.Minute || s.Pass.Gap > 60*time.Minute {
		t.Errorf("a gap of %v", s.Pass.Gap)
	}
	w.want("SELECT date(from_ts, 'unixepoch'), date(to_ts, 'unixepoch') FROM gaps", "2017-09-27|2017-09-27")

	w.skew.Store(0)
	for minute := 117; minute <= 120; minute++ {
		w.feed(minute, small(minute, "a")...)
	}
	if s, err = w.try(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := causes(s); got != "pass:clock pass:export pass:late" {
		t.Errorf("holes %s once the clock is set right", got)
	}
	w.want("SELECT time(min(from_ts), 'unixepoch'), date(max(to_ts), 'unixepoch') FROM gaps", "12:01:00|2017-09-27")
}

// The first pass notes that Heapster's clock is ahead.
func TestFirstPassAhead(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.skew.Store(int64(century / time.Second))
	w.feed(0, small(0, "a")...)
	s := w.pass(archive.OutcomeComplete, 6)
	if causes(s) != "pass:clock" || !strings.Contains(s.Holes[0].Detail, "newest batch is of 2111-09-05T12:00:00Z, and the local clock shows 2017-09-27T12:00:05Z") || s.Holes[0].Hint == "" {
		t.Errorf("holes %+v", s.Holes)
	}
}

// A constant difference between the clocks does not change gaps.
func TestSteadySkew(t *testing.T) {
	for _, skew := range []time.Duration{30 * time.Minute, -30 * time.Minute, century} {
		w := newWorld(t, heapsim.Options{})
		w.skew.Store(int64(skew / time.Second))
		w.feed(0, small(0, "a")...)
		if _, err := w.try(t.Context()); err != nil {
			t.Fatal(err)
		}
		for minute := 27; minute <= 30; minute++ {
			w.feed(minute, small(minute, "a")...)
		}
		s, err := w.try(t.Context())
		if err != nil || !strings.Contains(causes(s), "pass:late") || strings.Contains(causes(s), "clock") || s.Pass.Gap < 25*time.Minute {
			t.Errorf("skew %v: holes %s, gap %v, %v", skew, causes(s), s.Pass.Gap, err)
		}
	}
}

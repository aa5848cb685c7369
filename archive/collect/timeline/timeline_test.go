package timeline

import (
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

const noon = schema.Instant(1506513600)

// at is so many minutes past noon.
func at(minutes ...int) []schema.Instant {
	times := make([]schema.Instant, len(minutes))
	for i, minute := range minutes {
		times[i] = noon + schema.Instant(60*minute)
	}
	return times
}

// TestLost: the last pass read the batch of noon. Times are minutes past noon.
func TestLost(t *testing.T) {
	for name, test := range map[string]struct {
		long, short []int
		lost        time.Duration
		cause       archive.Cause
		from, to    int // both included
	}{
		"every batch is visible":    {[]int{-1, 0, 1, 2}, []int{0, 1, 2}, 0, "", 0, 0},
		"the next batch is visible": {[]int{-1, 0, 1, 2}, []int{1, 2}, 0, "", 0, 0},
		"two were evicted":          {[]int{0, 1, 2, 3, 4}, []int{3, 4}, 2 * time.Minute, archive.CauseLate, 1, 2},
		"one of two was made":       {[]int{0, 2, 3, 4}, []int{3, 4}, time.Minute, archive.CauseLate, 1, 2},
		"a restart":                 {[]int{5, 6}, []int{5, 6}, 4 * time.Minute, archive.CauseRestarted, 1, 4},
		"an hour's pause":           {[]int{46, 59, 60}, []int{59, 60}, 58 * time.Minute, archive.CauseLate, 1, 58},
	} {
		t.Run(name, func(t *testing.T) {
			newest := test.short[len(test.short)-1]
			line := New(archive.Memory{Horizon: noon}, func() time.Time { return at(newest)[0].Time() })
			line.Horizon = at(newest)[0]
			line.Observe(at(test.long...), at(test.short...))
			lost, hole := line.Gap()
			if lost != test.lost {
				t.Fatalf("%v was lost, want %v", lost, test.lost)
			}
			window := schema.Window{From: at(test.from)[0], To: at(test.to + 1)[0] - 1}
			if lost > 0 && (hole.Window != window || hole.Cause != test.cause) {
				t.Errorf("hole %+v, want %s in %+v", hole, test.cause, window)
			}
		})
	}
}

// TestWindows: Heapster made the batches of minutes 1, 2 and 4, of which 4 is the
// horizon.
func TestWindows(t *testing.T) {
	line := New(archive.Memory{}, time.Now)
	line.Horizon = at(4)[0]
	line.Observe(at(1, 2, 4), at(2, 4))
	window := func(from, to int) schema.Window { return line.Window(at(from)[0], at(to)[0]) }
	for name, test := range map[string]struct{ got, want schema.Window }{
		"between 1 and 4":        {line.Between(at(1)[0], at(4)[0]), window(2, 2)},
		"between none":           {line.Between(at(2)[0], at(4)[0]), schema.Window{}},
		"since 1":                {line.Since(at(1)[0]), window(2, 4)},
		"since the last but one": {line.Since(at(2)[0]), window(4, 4)},
		"since the horizon":      {line.Since(at(4)[0]), schema.Window{}},
		"since ever":             {line.Since(0), window(4, 4)},
		"before the first":       {line.BeforeFirst(at(4)[0]), schema.Window{From: at(1)[0], To: at(4)[0] - 1}},
	} {
		if test.got != test.want {
			t.Errorf("%s: %+v, want %+v", name, test.got, test.want)
		}
	}
	if line.IsNext(at(4)[0], at(1)[0]) || !line.IsNext(at(4)[0], at(2)[0]) {
		t.Error("4 comes next after 2, not after 1")
	}
}

package doctor

import (
	"strings"
	"testing"
	"time"

	"heapstash/schema"
)

// batchesEvery is the observation of a Heapster that has run for half an hour.
func batchesEvery(step time.Duration) Observation {
	var o Observation
	now := schema.Instant(1506496140)
	for at := now.Add(-30 * time.Minute); at <= now; at = at.Add(step) {
		if now.Sub(at) < schema.LongRetention {
			o.Long = append(o.Long, at)
		}
		if now.Sub(at) < schema.ShortRetention {
			o.Short = append(o.Short, at)
		}
	}
	return o
}

func TestSchedule(t *testing.T) {
	for _, test := range []struct {
		step, pause time.Duration
		level       Level
		message     string
	}{
		{time.Minute, 20 * time.Second, OK, "loses nothing: Heapster shows most metrics for 3m, 2m while"},
		{time.Minute, time.Minute, OK, "loses nothing"},
		{time.Minute, 90 * time.Second, Warning, "little slack"},
		{time.Minute, 2 * time.Minute, Warning, "little slack"},
		{time.Minute, 150 * time.Second, Warning, "whenever a kubelet does not answer"},
		{time.Minute, 3 * time.Minute, Fault, "keeps only cpu/usage_rate and memory/usage whole: of 3 batches"},
		{time.Minute, 5 * time.Minute, Fault, "keeps only cpu/usage_rate and memory/usage whole: of 5 batches, 2 lose all other metrics"},
		{time.Minute, 10 * time.Minute, Fault, "of 10 batches, 7 lose"},
		{time.Minute, 15 * time.Minute, Fault, "loses samples of every metric: Heapster shows cpu/usage_rate and memory/usage for 15m"},
		{time.Minute, 24 * time.Hour, Fault, "loses samples of every metric"},

		{30 * time.Second, time.Minute, OK, "for 2m30s, 2m while"},
		{30 * time.Second, 150 * time.Second, Fault, "keeps only"},
		{10 * time.Second, time.Minute, OK, "for 2m20s, 2m while"},
		// Of a coarse resolution one batch is always visible.
		{5 * time.Minute, time.Minute, OK, "for 5m, 5m while"},
		{5 * time.Minute, 5 * time.Minute, Fault, "keeps only"},

		// Not known: as if it were the usual one.
		{time.Hour, time.Minute, OK, "for 3m, 2m while"},
		{time.Hour, 5 * time.Minute, Fault, "keeps only"},
	} {
		f := Schedule("every so often", test.pause, batchesEvery(test.step))
		if f.Level != test.level || !strings.Contains(f.Message, test.message) {
			t.Errorf("batches every %v, passes every %v: %s, %s; want %s, %s", test.step, test.pause, f.Level, f.Message, test.level, test.message)
		}
		if (f.Fix == "") != (f.Level == OK) {
			t.Errorf("%s with the fix %q", f.Level, f.Fix)
		}
	}
}

// By the formula, a schedule loses what a Heapster drops that evicts when it makes a
// batch.
func TestVisible(t *testing.T) {
	for _, retention := range []time.Duration{schema.ShortRetention, schema.ShortRetention - longestScrapeTime, schema.LongRetention} {
		for step := time.Second; step <= 10*time.Minute; step += 7 * time.Second {
			// The batch of time 0 is gone when one comes that is retention later.
			gone := step
			for gone < retention {
				gone += step
			}
			if got := visible(retention, step); got != gone {
				t.Fatalf("retention %v, a batch every %v: visible for %v, want %v", retention, step, got, gone)
			}
		}
	}
}

func TestResolution(t *testing.T) {
	for name, test := range map[string]struct {
		o       Observation
		level   Level
		message string
	}{
		"usual": {batchesEvery(time.Minute), OK, "a batch every 1m; visible are 3 batches with every metric, and 15m of"},
		"fine":  {batchesEvery(30 * time.Second), OK, "a batch every 30s; visible are 5 batches"},
		"young": {Observation{Long: []schema.Instant{60}}, OK, "one batch is visible"},
		"one missing": {Observation{Long: []schema.Instant{60, 180, 240}, Short: []schema.Instant{240}}, OK,
			"a batch every 1m; visible are 1 batch with every metric, and 4m"},
		"empty": {Observation{}, Fault, "no sample of anything"},
	} {
		f := Resolution(test.o)
		if f.Level != test.level || !strings.Contains(f.Message, test.message) {
			t.Errorf("%s: %s, %s; want %s, %s", name, f.Level, f.Message, test.level, test.message)
		}
	}
}

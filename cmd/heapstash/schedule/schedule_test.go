package schedule

import (
	"testing"
	"time"
)

func TestLongestPause(t *testing.T) {
	for spec, want := range map[string]time.Duration{
		"@every 30s":    30 * time.Second,
		"@every 1m":     time.Minute,
		"* * * * *":     time.Minute,
		"*/2 * * * *":   2 * time.Minute,
		"* 0-22 * * *":  61 * time.Minute,
		"@hourly":       time.Hour,
		"0 0 1 * *":     28 * 24 * time.Hour,
		"@every 90m":    90 * time.Minute,
		"0,1 0 * * *":   24*time.Hour - time.Minute,
		"* * * * 1-5":   48*time.Hour + time.Minute,
		"@every 1h1m1s": time.Hour + time.Minute + time.Second,
	} {
		schedule, err := Parse(spec)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := schedule.LongestPause(); got != want {
			t.Errorf("%s: %v, want %v", spec, got, want)
		}
	}
}

func TestScheduleWarning(t *testing.T) {
	for spec, warns := range map[string]bool{
		"@every 20s": false, "@every 1m": false, "@every 90s": true, "*/2 * * * *": true, "*/5 * * * *": true,
	} {
		schedule, err := Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := schedule.Warning(); (got != "") != warns {
			t.Errorf("%s: %q", spec, got)
		}
	}
}

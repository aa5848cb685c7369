package show

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for length, want := range map[time.Duration]string{
		0: "0s", 400 * time.Millisecond: "0s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m", -time.Hour: "-1h", 36 * time.Hour: "1d12h",
		14 * day: "2w", 10*day + 90*time.Minute: "10d1h", 61*day + 5*time.Hour: "61d", 730 * day: "2y", 94*365*day + 100*day: "94y",
	} {
		if got := Duration(length); got != want {
			t.Errorf("%v: %s, want %s", length, got, want)
		}
	}
}

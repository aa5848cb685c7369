package flags

import (
	"testing"
	"time"
)

// TestMoments reads moments as seen from a Wednesday in Berlin, an hour after midnight
// there.
func TestMoments(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 4, 1, 1, 0, 0, 0, berlin) // 23:00 of Tuesday in UTC; summer time began on Sunday
	for text, want := range map[string]string{
		"36h":                       "2026-03-30T11:00:00Z",
		"7d":                        "2026-03-24T23:00:00Z",
		"now":                       "2026-03-31T23:00:00Z",
		"today":                     "2026-03-31T22:00:00Z",
		"Yesterday":                 "2026-03-30T22:00:00Z",
		"yesterday 14:30":           "2026-03-31T12:30:00Z",
		"wednesday":                 "2026-03-31T22:00:00Z",
		"thursday":                  "2026-03-25T23:00:00Z", // still winter time
		"2026-03-28":                "2026-03-27T23:00:00Z",
		"2026-03-30":                "2026-03-29T22:00:00Z",
		"2026-11-28 01:00":          "2026-11-28T00:00:00Z",
		"2026-11-28 01:00:30":       "2026-11-28T00:00:30Z",
		"2026-11-28T01:00":          "2026-11-28T00:00:00Z",
		"2026-11-28T01:00:00Z":      "2026-11-28T01:00:00Z",
		"2026-11-28T01:00:00-05:00": "2026-11-28T06:00:00Z",
		"tomorrow":                  "", "now 12:00": "", "today 25:00": "", "2026-13-01": "", "-1h": "", "": "", "yesterday noon": "",
	} {
		got, err := parseMoment(text, now)
		if want == "" {
			if err == nil {
				t.Errorf("%q is %v", text, got)
			}
		} else if got := got.UTC().Format(time.RFC3339); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

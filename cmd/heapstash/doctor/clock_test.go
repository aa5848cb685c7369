package doctor

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// dated answers each request with the next date, after a second and a half.
type dated struct {
	dates []time.Time
	clock *time.Time
}

func (d *dated) RoundTrip(*http.Request) (*http.Response, error) {
	*d.clock = d.clock.Add(1500 * time.Millisecond)
	resp := &http.Response{Header: http.Header{}, Body: http.NoBody}
	if date := d.dates[0]; !date.IsZero() {
		resp.Header.Set("Date", date.UTC().Format(http.TimeFormat))
	}
	d.dates = d.dates[1:]
	return resp, nil
}

func TestClock(t *testing.T) {
	begin := time.Date(2017, 9, 27, 7, 9, 0, 0, time.UTC)
	at := func(seconds ...int) []time.Time {
		var dates []time.Time
		for _, s := range seconds {
			dates = append(dates, begin.Add(time.Duration(s)*time.Second))
		}
		return dates
	}
	for name, test := range map[string]struct {
		dates   []time.Time
		ahead   time.Duration
		level   Level
		message string
	}{
		"the same":    {at(0, 2, 4), 0, OK, "agree"},
		"a bit off":   {at(5), 3500 * time.Millisecond, OK, "agree"},
		"ahead":       {at(60), 58500 * time.Millisecond, Warning, "59s ahead"},
		"behind":      {at(-60), -59 * time.Second, Warning, "59s behind"},
		"narrowed":    {at(60, 62), 59 * time.Second, Warning, "59s ahead"},
		"set between": {at(60, 1), 0, OK, "agree"},
		"no date":     {[]time.Time{{}}, 0, OK, "no date"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := begin
			c := NewClock(&dated{test.dates, &clock}, func() time.Time { return clock })
			for range len(test.dates) {
				if _, err := c.RoundTrip(&http.Request{}); err != nil {
					t.Fatal(err)
				}
			}
			if ahead, _ := c.Ahead(); ahead != test.ahead {
				t.Errorf("ahead by %v, want %v", ahead, test.ahead)
			}
			f := c.Skew()
			if f.Level != test.level || !strings.Contains(f.Message, test.message) {
				t.Errorf("%s, %s; want %s, %s", f.Level, f.Message, test.level, test.message)
			}
		})
	}
}

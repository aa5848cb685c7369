package flags

import (
	"errors"
	"strings"
	"time"

	"heapstash/schema"
)

// Moment is a flag of a moment, such as yesterday. It keeps the text, because the
// moment depends on the clock, and on a time zone whose flag may come later.
type Moment struct {
	Text string
	zone *Zone // nil for UTC
}

// momentForms says how moments are written.
const momentForms = "write how long ago, as in 36h or 30d, or a time, as in 2017-09-27, '2017-09-27 07:00', 2017-09-27T07:00:00Z, yesterday, monday or 'today 07:00'"

// Type is what help calls the value.
func (f *Moment) Type() string { return "time" }

// String returns the text.
func (f *Moment) String() string { return f.Text }

// Set takes the text, and refuses one that is not a moment.
func (f *Moment) Set(text string) error {
	if _, err := parseMoment(text, time.Now().UTC()); err != nil {
		return err
	}
	f.Text = text
	return nil
}

// At returns the moment as seen from now, zero if the flag was not given.
func (f *Moment) At(now time.Time) schema.Instant {
	if f.Text == "" {
		return 0
	}
	at, err := parseMoment(f.Text, now.In(f.zone.Location()))
	if err != nil {
		return 0 // Set has refused it
	}
	return schema.InstantOf(at)
}

// parseMoment reads a moment as seen from now. Days and clocks are in the time
// zone of now; a day begins at midnight.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if ago, err := ParseLength(text); err == nil && ago > 0 {
		return now.Add(-ago), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	for _, form := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(form, text, now.Location()); err == nil {
			return at, nil
		}
	}
	word, clock, _ := strings.Cut(strings.ToLower(text), " ")
	if word == "now" && clock == "" {
		return now, nil
	}
	back, err := daysBack(word, now.Weekday())
	if err != nil {
		return time.Time{}, err
	}
	var hour, minute int
	if clock != "" {
		at, err := time.Parse("15:04", clock)
		if err != nil {
			return time.Time{}, errors.New(momentForms)
		}
		hour, minute = at.Hour(), at.Minute()
	}
	return time.Date(now.Year(), now.Month(), now.Day()-back, hour, minute, 0, 0, now.Location()), nil
}

// daysBack returns how many days before today the day of a word is. A weekday is
// the last one with that name, which may be today.
func daysBack(word string, today time.Weekday) (int, error) {
	switch word {
	case "today":
		return 0, nil
	case "yesterday":
		return 1, nil
	}
	for day := range time.Weekday(7) {
		if strings.EqualFold(day.String(), word) {
			return int(today-day+7) % 7, nil
		}
	}
	return 0, errors.New(momentForms)
}

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // for hosts and containers that have no time zones

	"github.com/spf13/pflag"

	"heapstash/schema"
)

// momentFlag is a moment as it was written. Which one it is, follows from the
// clock and from the time zone, whose flag may come later.
type momentFlag struct {
	text string
	zone *zoneFlag // nil for UTC
}

// momentForms says how moments are written, for people.
const momentForms = "write how long ago, as in 36h or 30d, or a time, as in 2017-09-27, '2017-09-27 07:00', 2017-09-27T07:00:00Z, yesterday, monday or 'today 07:00'"

func (f *momentFlag) Type() string { return "time" }

func (f *momentFlag) String() string { return f.text }

func (f *momentFlag) Set(text string) error {
	if _, err := parseMoment(text, time.Now().UTC()); err != nil {
		return err
	}
	f.text = text
	return nil
}

// at is the moment, as it is seen from now; none if nothing was written.
func (f *momentFlag) at(now time.Time) schema.Instant {
	if f.text == "" {
		return 0
	}
	at, err := parseMoment(f.text, now.In(f.zone.location()))
	if err != nil {
		return 0 // Set has refused it
	}
	return schema.InstantOf(at)
}

// parseMoment reads a moment, as it is seen from now, whose time zone is that of
// days and clocks. Days begin at midnight.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if ago, err := parseLong(text); err == nil && ago > 0 {
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

// daysBack is how many days before today a word means: a weekday is the last one
// of its name, which may be today.
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

// zoneFlag is a time zone for the moments that a command reads, and for the times
// that it shows to people. The zero zoneFlag, and nil, is UTC.
type zoneFlag struct{ zone *time.Location }

func (f *zoneFlag) Type() string { return "zone" }

func (f *zoneFlag) String() string { return f.location().String() }

func (f *zoneFlag) Set(name string) error {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return errors.New("write the name of a time zone, as in Europe/Berlin, or UTC, or Local")
	}
	f.zone = zone
	return nil
}

func (f *zoneFlag) location() *time.Location {
	if f == nil || f.zone == nil {
		return time.UTC
	}
	return f.zone
}

// text spells a moment for people: RFC 3339, in the zone.
func (f *zoneFlag) text(at schema.Instant) string {
	if at == 0 || f.location() == time.UTC {
		return at.String()
	}
	return at.Time().In(f.location()).Format(time.RFC3339)
}

// rangeFlags are --since, --until and --tz.
type rangeFlags struct {
	since, until momentFlag
	zone         zoneFlag
}

// add adds the flags, with the usages of the first two.
func (r *rangeFlags) add(flags *pflag.FlagSet, since, until string) {
	r.since.zone, r.until.zone = &r.zone, &r.zone
	flags.Var(&r.since, "since", since)
	flags.Var(&r.until, "until", until)
	flags.Var(&r.zone, "tz", "time zone of --since and --until, and of the times for people: such as Europe/Berlin, or Local")
}

// lengthFlag is a length of time, which may be in days, weeks and years too.
type lengthFlag time.Duration

func (f *lengthFlag) Type() string { return "duration" }

func (f *lengthFlag) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

func (f *lengthFlag) Set(text string) error {
	long, err := parseLong(text)
	*f = lengthFlag(long)
	return err
}

// text spells the length in the longest unit that it is whole in.
func (f lengthFlag) text() string {
	long := time.Duration(f)
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if long > 0 && long%unit.size == 0 {
			return fmt.Sprintf("%d%s", long/unit.size, unit.name)
		}
	}
	return long.String()
}

package main

import (
	"fmt"
	"time"

	"heapstash/schema"
)

// momentFlag is a moment: written as such, or as how long ago it was.
type momentFlag struct {
	at  schema.Instant
	now func() time.Time
}

func (f *momentFlag) Type() string { return "time" }

func (f *momentFlag) String() string {
	if f.at == 0 {
		return ""
	}
	return f.at.String()
}

func (f *momentFlag) Set(text string) error {
	if ago, err := parseLong(text); err == nil && ago > 0 {
		f.at = schema.InstantOf(f.now().Add(-ago))
		return nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			f.at = schema.InstantOf(at)
			return nil
		}
	}
	return fmt.Errorf("write how long ago, as in 36h or 30d, or a time, as in 2017-09-27 or 2017-09-27T07:00:00Z")
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

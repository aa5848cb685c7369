package main

import (
	"errors"
	"time"

	_ "time/tzdata"

	"heapstash/schema"
)

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

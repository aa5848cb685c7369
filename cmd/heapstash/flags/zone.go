package flags

import (
	"errors"
	"time"
	_ "time/tzdata" // for hosts and containers that have no time zones
)

// Zone is a flag of a time zone: of the moments that a command reads, and of the
// times that it prints for people. The zero Zone, and nil, is UTC.
type Zone struct{ zone *time.Location }

// Type is what help calls the value.
func (f *Zone) Type() string { return "zone" }

// String returns the zone's name.
func (f *Zone) String() string { return f.Location().String() }

// Set takes the name of a time zone.
func (f *Zone) Set(name string) error {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return errors.New("write the name of a time zone, as in Europe/Berlin, or UTC, or Local")
	}
	f.zone = zone
	return nil
}

// Location returns the zone.
func (f *Zone) Location() *time.Location {
	if f == nil || f.zone == nil {
		return time.UTC
	}
	return f.zone
}

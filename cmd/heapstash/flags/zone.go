package flags

import (
	"errors"
	"time"
	_ "time/tzdata"

	"heapstash/schema"
)

// Zone is a time zone for the moments that a command reads, and for the times
// that it shows to people. The zero zoneFlag, and nil, is UTC.
type Zone struct{ zone *time.Location }

func (f *Zone) Type() string { return "zone" }

func (f *Zone) String() string { return f.Location().String() }

func (f *Zone) Set(name string) error {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" {
		return errors.New("write the name of a time zone, as in Europe/Berlin, or UTC, or Local")
	}
	f.zone = zone
	return nil
}

func (f *Zone) Location() *time.Location {
	if f == nil || f.zone == nil {
		return time.UTC
	}
	return f.zone
}

// Text spells a moment for people: RFC 3339, in the zone.
func (f *Zone) Text(at schema.Instant) string {
	if at == 0 || f.Location() == time.UTC {
		return at.String()
	}
	return at.Time().In(f.Location()).Format(time.RFC3339)
}

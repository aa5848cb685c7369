package flags

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseLength reads a duration, which may be in days, weeks and years too.
func ParseLength(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	const most = 200 // years; a Duration ends at 292
	for unit, length := range map[string]time.Duration{"d": day, "w": 7 * day, "y": 365 * day} {
		number, found := strings.CutSuffix(text, unit)
		if !found {
			continue
		}
		if n, err := strconv.ParseUint(number, 10, 31); err == nil && n <= uint64(most*365*day/length) {
			return time.Duration(n) * length, nil
		}
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, fmt.Errorf("%s has no unit: write %sd", text, text)
	}
	if long, err := time.ParseDuration(text); err == nil {
		return long, nil
	}
	return 0, fmt.Errorf("%q is no length of time: write 36h, 90d, 8w or 2y", text)
}

// Length is a length of time, which may be in days, weeks and years too.
type Length time.Duration

func (f *Length) Type() string { return "duration" }

func (f *Length) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

func (f *Length) Set(text string) error {
	long, err := ParseLength(text)
	*f = Length(long)
	return err
}

// Text spells the length in the longest unit that it is whole in.
func (f Length) Text() string {
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

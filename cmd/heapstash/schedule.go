package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// retention is how long Heapster keeps a sample of most metrics. (Heapster:
// metrics/sinks/metric, which has no flag for it.)
const retention = 140 * time.Second

// parseSchedule reads @every DURATION, another @word of cron's, or cron's five
// fields. Times are UTC.
func parseSchedule(spec string) (cron.Schedule, error) {
	const forms = "write @every 1m, or the five fields of cron"
	// cron panics at a zone without fields behind it.
	if strings.Contains(spec, "TZ=") {
		return nil, errors.New("a time zone is not allowed: times are UTC")
	}
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return nil, fmt.Errorf("%q is no schedule: %s", spec, forms)
	}
	if rest, ok := strings.CutPrefix(spec, "@every "); ok {
		// cron takes anything below a second for a second.
		if d, err := time.ParseDuration(strings.TrimSpace(rest)); err != nil || d < time.Second {
			return nil, fmt.Errorf("%q is too often: at least @every 1s", spec)
		}
	}
	if schedule.Next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, fmt.Errorf("%q never comes", spec)
	}
	return schedule, nil
}

// longestPause returns the longest time between two of the schedule's moments
// within a week, or the pause that reaches over the week's end.
func longestPause(s cron.Schedule) time.Duration {
	if every, ok := s.(cron.ConstantDelaySchedule); ok {
		return every.Delay
	}
	var longest time.Duration
	begin := s.Next(time.Unix(0, 0).UTC())
	for at := begin; at.Sub(begin) < 7*24*time.Hour; {
		next := s.Next(at)
		longest = max(longest, next.Sub(at))
		at = next
	}
	return longest
}

// scheduleWarning tells what a schedule loses, empty if nothing.
func scheduleWarning(s cron.Schedule) string {
	pause := longestPause(s)
	switch {
	case pause <= time.Minute:
		return ""
	case pause <= 2*time.Minute:
		return fmt.Sprintf("passes are up to %v apart: Heapster keeps most samples for %v, so one late pass loses some; every minute is safe", pause, retention)
	default:
		return fmt.Sprintf("passes are up to %v apart: Heapster keeps most samples for %v, so those between are lost; run every minute", pause, retention)
	}
}

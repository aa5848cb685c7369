package history

import (
	"math"

	"heapstash/schema"
)

// In seconds.
const (
	minute schema.Instant = 60
	hour                  = 60 * minute
	day                   = 24 * hour
)

const minutesOfDay = 24 * 60

// season is the load of a moment as a multiple of the mean: more by day than by
// night, and less at weekends but for what the cluster itself runs.
func season(at schema.Instant, system bool) float64 {
	if system {
		return 1
	}
	ofDay := float64(at%day) / float64(day)
	load := 1 - 0.6*math.Cos(2*math.Pi*(ofDay-2.0/24)) // least at 02:00, most at 14:00
	if weekday := (at/day + 4) % 7; weekday == 0 || weekday == 6 {
		load *= 0.6
	}
	return load
}

// outage is a time of which nothing was archived, both ends included.
type outage struct{ from, to schema.Instant }

// outages are three, after a half of the time, with a sixth of it left, and
// near its end.
func outages(begin, end schema.Instant) (all []outage) {
	long := end - begin
	for _, o := range []struct{ before, minutes schema.Instant }{
		{long/2 - 2*hour, 26 * 60}, {long/6 - 9*hour, 185}, {long/36 - hour, 17},
	} {
		from := (end - o.before) / minute * minute
		all = append(all, outage{from, from + (o.minutes-1)*minute})
	}
	return all
}

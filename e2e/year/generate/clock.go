package generate

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

// outages are three, of the last eleven days, two months ago, and half a year
// ago; each is there if the archive reaches so far back.
func outages(begin, end schema.Instant) (all []outage) {
	for _, o := range []struct{ before, minutes schema.Instant }{
		{183*day - 2*hour, 26 * 60}, {60*day - 9*hour, 185}, {10*day - 3*hour, 17},
	} {
		if from := end - o.before; from > begin {
			all = append(all, outage{from, from + (o.minutes-1)*minute})
		}
	}
	return all
}

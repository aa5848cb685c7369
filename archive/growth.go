package archive

import (
	"time"

	"heapstash/schema"
)

// leastGrowth is the shortest time of samples from which growth is told. In
// less, the empty tables, and the rows that are not packed yet, weigh too much.
const leastGrowth = 6 * time.Hour

// Growth is how much an archive takes a day.
type Growth struct {
	BytesPerDay int64 `json:"bytes_per_day"`
	// From and To are the time of the raw samples that it was measured over.
	From schema.Instant `json:"from"`
	To   schema.Instant `json:"to"`
	// Pruned is set where hours or days reach further back: there, raw samples
	// go as new ones come, and the archive does not grow by all of it.
	Pruned bool `json:"pruned"`
}

// Growth returns how much the archive takes a day: what it has in use, by the
// time of its raw samples. Where those were pruned, the rollups from before
// count too, so that it is rather less in truth. It is not known of samples of
// less than six hours.
func (s Status) Growth() (g Growth, known bool) {
	var rolled schema.Instant
	for _, k := range s.Kinds {
		if k.Oldest != 0 && (g.From == 0 || k.Oldest < g.From) {
			g.From = k.Oldest
		}
		g.To = max(g.To, k.Newest)
		for _, r := range []*Range{k.Hourly, k.Daily} {
			if r != nil && (rolled == 0 || r.Oldest < rolled) {
				rolled = r.Oldest
			}
		}
	}
	g.Pruned = rolled != 0 && g.From.Sub(rolled) > 24*time.Hour
	span := g.To.Sub(g.From)
	if g.From == 0 || span < leastGrowth {
		return g, false
	}
	g.BytesPerDay = int64(float64(s.Used) * float64(24*time.Hour) / float64(span))
	return g, true
}

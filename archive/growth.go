package archive

import (
	"time"

	"heapstash/schema"
)

// leastGrowth is the shortest time span of samples for which growth is known. In a
// shorter one, empty tables and rows that are not packed yet weigh too much.
const leastGrowth = 6 * time.Hour

// Growth is how fast an archive grows.
type Growth struct {
	BytesPerDay int64 `json:"bytes_per_day"`
	// From and To bound the raw samples that it was measured with.
	From schema.Instant `json:"from"`
	To   schema.Instant `json:"to"`
	// Pruned is set if hours or days are older than raw samples: raw samples are
	// pruned, and the archive grows by less than BytesPerDay.
	Pruned bool `json:"pruned"`
}

// Growth returns the archive's used bytes, divided by the time span of its raw samples.
// If raw samples were pruned, that is too much, because older rollups count too. Growth
// is not known for less than six hours of samples.
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

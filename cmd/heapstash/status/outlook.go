package status

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/cmd/heapstash/config"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// outlook says how much the archive grows a day, and how long the disk lasts.
func outlook(s archive.Status, cfg config.Config) []string {
	if len(s.Kinds) == 0 {
		return nil
	}
	var free string
	if s.Free >= 0 {
		free = fmt.Sprintf("%v are free on its disk", schema.Size(s.Free))
	}
	g, known := s.Growth()
	if !known {
		line := fmt.Sprintf("How much it takes a day is not known yet: that needs raw samples of 6h, and it has %s", show.Duration(g.To.Sub(g.From)))
		if free != "" {
			line += "; " + free
		}
		return []string{line + "."}
	}
	about := "about"
	if g.Pruned {
		about = "at most"
	}
	said := []string{fmt.Sprintf("It takes %s %v a day, measured over the raw samples of %s, %v to %v.", about, schema.Size(g.BytesPerDay), show.Duration(g.To.Sub(g.From)), g.From, g.To)}
	if g.Pruned {
		said = append(said, "Older raw samples were pruned: most new samples take their place.")
	}
	if limit := cfg.Archive.MaxSize; limit > 0 {
		line := fmt.Sprintf("archive.max_size keeps it below %v", limit)
		if rest := int64(limit) - s.Used; rest > 0 && !g.Pruned {
			line += ", which it reaches in " + lasts(rest, g.BytesPerDay)
		}
		said = append(said, line+".")
	}
	if longest, all := longestRaw(cfg.Archive.Retention); all {
		most := int64(float64(g.BytesPerDay) * longest.Hours() / 24)
		said = append(said, fmt.Sprintf("archive.retention keeps raw samples for %s: they come to about %v.", show.Duration(longest), schema.Size(most)))
	}
	if free != "" {
		usable := max(s.Free-int64(cfg.Archive.MinFree), 0)
		line := fmt.Sprintf("%s: enough for %s at that rate", free, lasts(usable, g.BytesPerDay))
		if least := cfg.Archive.MinFree; least > 0 {
			line += fmt.Sprintf(", less the %v of archive.min_free", least)
		}
		said = append(said, line+".")
	}
	return said
}

// longestRaw returns the longest time for which raw samples are kept, and whether there
// is a time for all kinds.
func longestRaw(r config.Retention) (longest time.Duration, all bool) {
	for _, kind := range schema.Kinds() {
		long := r.Raw.For(kind)
		if long == 0 {
			return 0, false
		}
		longest = max(longest, long)
	}
	return longest, true
}

// lasts says how long the bytes suffice.
func lasts(bytes, perDay int64) string {
	if perDay <= 0 {
		return "ever"
	}
	days := float64(bytes) / float64(perDay)
	switch {
	case days > 100*365:
		return "more than 100 years"
	case days >= 2*365:
		return fmt.Sprintf("about %.0f years", days/365)
	case days >= 2:
		return fmt.Sprintf("about %.0f days", math.Floor(days))
	default:
		return fmt.Sprintf("about %.0f hours", math.Floor(days*24))
	}
}

// Encode prints the status and the growth as JSON.
func Encode(w io.Writer, s archive.Status) error {
	out := struct {
		archive.Status
		Growth *archive.Growth `json:"growth"` // null where it is not known
	}{Status: s}
	if g, known := s.Growth(); known {
		out.Growth = &g
	}
	return json.NewEncoder(w).Encode(out)
}

// levelSpan is the range of time in which a cluster has rows of a level, for some kinds.
type levelSpan struct {
	cluster        string
	level          archive.Level
	oldest, newest schema.Instant
	kinds          []string
	all            bool // kinds has all kinds of the cluster
}

func (s levelSpan) spellKinds() string {
	if s.all {
		return "all"
	}
	return strings.Join(s.kinds, ", ")
}

// spansOf returns the spans of all levels. Kinds whose ranges begin and end within the
// same hour are one span.
func spansOf(kinds []archive.KindStatus) []levelSpan {
	var spans []levelSpan
	count := make(map[string]int)
	for _, level := range archive.Levels() {
		for _, k := range kinds {
			r := &archive.Range{Oldest: k.Oldest, Newest: k.Newest}
			switch level {
			case archive.Raw:
				count[k.Cluster]++
			case archive.Hourly:
				r = k.Hourly
			case archive.Daily:
				r = k.Daily
			}
			if r == nil || r.Oldest == 0 {
				continue
			}
			i := slices.IndexFunc(spans, func(s levelSpan) bool {
				return s.cluster == k.Cluster && s.level == level && s.oldest.Sub(r.Oldest).Abs() < time.Hour && s.newest.Sub(r.Newest).Abs() < time.Hour
			})
			if i < 0 {
				i = len(spans)
				spans = append(spans, levelSpan{cluster: k.Cluster, level: level, oldest: r.Oldest})
			}
			s := &spans[i]
			s.oldest, s.newest = min(s.oldest, r.Oldest), max(s.newest, r.Newest)
			s.kinds = append(s.kinds, k.Kind.String())
		}
	}
	for i := range spans {
		spans[i].all = len(spans[i].kinds) == count[spans[i].cluster]
	}
	slices.SortStableFunc(spans, func(a, b levelSpan) int { return strings.Compare(a.cluster, b.cluster) })
	return spans
}

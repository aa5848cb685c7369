package export

import (
	"iter"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// rollup is the statistics of a metric in an hour or a day.
type rollup struct {
	column int // the first column that the rollup has
	at     schema.Instant
	// values are in the order of [archive.Statistics].
	values [7]schema.Value
	has    [7]bool
}

// rollups makes rollups of statistics, which come one after the other.
func rollups(s *archive.Series) iter.Seq[*rollup] {
	return func(yield func(*rollup) bool) {
		statistics := archive.Statistics()
		var now rollup
		some := false
		for sample := range s.Samples {
			c := s.Columns[sample.Column]
			if some && (sample.At != now.at || c.Metric != s.Columns[now.column].Metric) {
				if !yield(&now) {
					return
				}
				some = false
			}
			if !some {
				some, now = true, rollup{column: sample.Column, at: sample.At}
			}
			i := slices.Index(statistics, c.Statistic)
			now.values[i], now.has[i] = sample.Value, true
		}
		if some {
			yield(&now)
		}
	}
}

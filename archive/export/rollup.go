package export

import (
	"iter"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// rollup has the statistics of a metric in an hour or a day.
type rollup struct {
	column int // the rollup's first column
	at     schema.Instant
	// values, and whether each is known, are in the order of [archive.Statistics].
	values [7]schema.Value
	has    [7]bool
}

// rollups groups the statistics of a series by metric and time. Each rollup is valid
// until the next.
func rollups(s *archive.Series) iter.Seq[*rollup] {
	return func(yield func(*rollup) bool) {
		statistics := archive.Statistics()
		var current rollup
		started := false
		for sample := range s.Samples {
			c := s.Columns[sample.Column]
			if started && (sample.At != current.at || c.Metric != s.Columns[current.column].Metric) {
				if !yield(&current) {
					return
				}
				started = false
			}
			if !started {
				started, current = true, rollup{column: sample.Column, at: sample.At}
			}
			i := slices.Index(statistics, c.Statistic)
			current.values[i], current.has[i] = sample.Value, true
		}
		if started {
			yield(&current)
		}
	}
}

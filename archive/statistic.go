package archive

import "heapstash/schema"

// Statistic is a column of the views samples_hourly and samples_daily.
type Statistic string

// The statistics. Gauges have [Count] to [Sum]; counters have [Count], [Increase] and
// [Last]; metrics of unknown type have all.
const (
	Count    Statistic = "samples"
	Min      Statistic = "min"
	Avg      Statistic = "avg"
	Max      Statistic = "max"
	Sum      Statistic = "sum"
	Increase Statistic = "increase"
	Last     Statistic = "last"
)

// Statistics returns every statistic, in the order of the views' columns.
func Statistics() []Statistic { return []Statistic{Count, Min, Avg, Max, Sum, Increase, Last} }

// HasPercentiles reports whether hourly rollups have percentiles of the metric.
func HasPercentiles(m schema.Metric) bool {
	return m.Name == "cpu/usage_rate" || m.Name == "memory/working_set"
}

package archive

import "heapstash/schema"

// HasPercentiles reports whether hourly rollups have percentiles of the metric.
func HasPercentiles(m schema.Metric) bool {
	return m.Name == "cpu/usage_rate" || m.Name == "memory/working_set"
}

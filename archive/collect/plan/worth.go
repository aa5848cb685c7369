package plan

import (
	"cmp"
	"slices"

	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// SortByWorth sorts requests that may be left out, the most valuable first.
func SortByWorth(requests []fetch.Request) {
	slices.SortStableFunc(requests, func(a, b fetch.Request) int { return cmp.Compare(worth(a), worth(b)) })
}

// worth is least for CPU and memory of containers. Then follow their other metrics,
// their custom metrics, system containers, and labelled series.
func worth(r fetch.Request) int {
	metric, known := schema.Lookup(r.Metric)
	switch {
	case r.Scope.Part == schema.Labelled:
		return 4
	case r.Scope.Kind == schema.SystemContainer:
		return 3
	case !known:
		return 2
	case metric.Long || metric.Name == "memory/working_set":
		return 0
	default:
		return 1
	}
}

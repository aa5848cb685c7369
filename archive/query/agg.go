package query

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/schema"
)

// Agg is what is computed of the samples of a group in a step.
type Agg string

// The aggregates. FORMAT.md says of rollups what each is there.
const (
	Avg      Agg = "avg"
	Min      Agg = "min"
	Max      Agg = "max"
	Sum      Agg = "sum"      // of all samples
	Last     Agg = "last"     // at the last moment
	Increase Agg = "increase" // growth of a counter; one that fell was reset, and has grown from 0
	Rate     Agg = "rate"     // the increase by the seconds in which it grew
	P50      Agg = "p50"      // by nearest rank, so one of the values
	P95      Agg = "p95"
	Count    Agg = "count" // of samples
)

// Aggs returns every aggregate.
func Aggs() []Agg {
	return []Agg{Avg, Min, Max, Sum, Last, Increase, Rate, P50, P95, Count}
}

// ParseAggs reads a list of aggregates. Its error names the valid ones.
func ParseAggs(words []string) ([]Agg, error) {
	var list []Agg
	for _, word := range words {
		agg := Agg(word)
		if !slices.Contains(Aggs(), agg) {
			return nil, &Error{fmt.Sprintf("unknown aggregate %q", word), "use some of " + join(Aggs())}
		}
		if !slices.Contains(list, agg) {
			list = append(list, agg)
		}
	}
	return list, nil
}

// DefaultAgg is what is asked of a metric most: the average of a gauge, and of
// a metric of which nobody knows what it is; the growth of a counter, for most
// of them by the second.
func DefaultAgg(m schema.Metric) Agg {
	switch {
	case m.Type != schema.Cumulative:
		return Avg
	case m.Name == "uptime":
		return Last
	case m.Name == "restart_count":
		return Increase
	default:
		return Rate
	}
}

// suits reports whether the aggregate makes sense for the metric.
func (a Agg) suits(m schema.Metric) bool {
	switch m.Type {
	case schema.Cumulative:
		return a == Increase || a == Rate || a == Last
	case schema.Gauge:
		return a != Increase && a != Rate
	default:
		return true
	}
}

func (a Agg) percentile() bool { return a == P50 || a == P95 }

// percent is the rank of a percentile.
func (a Agg) percent() int {
	if a == P50 {
		return 50
	}
	return 95
}

// HasPercentiles reports whether hourly rollups have the metric's.
func HasPercentiles(m schema.Metric) bool {
	return m.Name == "cpu/usage_rate" || m.Name == "memory/working_set"
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

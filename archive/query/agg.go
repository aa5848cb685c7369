package query

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Agg is an aggregate: a number computed from a group's samples in a step. If a group
// has several series that add up, all aggregates except Sum and Count are of the sum
// of the series at each moment.
type Agg string

// The aggregates. Rollups have the ones that are statistics.
const (
	Avg      = Agg(archive.Avg)
	Min      = Agg(archive.Min)
	Max      = Agg(archive.Max)
	Sum      = Agg(archive.Sum)      // of all samples
	Last     = Agg(archive.Last)     // at the last moment
	Increase = Agg(archive.Increase) // growth of a counter; one that fell was reset, and has grown from 0
	Rate     = Agg("rate")           // the increase divided by the seconds in which it grew
	P50      = Agg("p50")            // by nearest rank, so that it is one of the values
	P95      = Agg("p95")
	Count    = Agg("count") // of samples
)

// Absence is the longest time between two samples in which a counter that was reset
// counts as growing. If it is longer, the growth from 0 counts, and no time of it.
const Absence = 2 * time.Hour

// Aggs returns every aggregate.
func Aggs() []Agg {
	return []Agg{Avg, Min, Max, Sum, Last, Increase, Rate, P50, P95, Count}
}

// ParseAggs parses a list of aggregates. Its error names the valid ones.
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

// DefaultAgg returns the usual aggregate of a metric: the rate of a counter, and
// the average of a gauge or of a metric whose type is not known.
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

// Percent returns the rank of a percentile, 50 or 95, and 0 for other aggregates.
func (a Agg) Percent() int {
	switch a {
	case P50:
		return 50
	case P95:
		return 95
	default:
		return 0
	}
}

func join[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return strings.Join(texts, ", ")
}

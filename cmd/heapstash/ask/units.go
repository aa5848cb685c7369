package ask

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// unitOf is the unit of an aggregate of a metric: empty for a number of things,
// and where nobody knows.
func unitOf(m schema.Metric, agg query.Agg) schema.Unit {
	if agg == query.Count || m.Unit == schema.Count && agg != query.Rate {
		return ""
	}
	if agg != query.Rate {
		return m.Unit
	}
	switch m.Unit {
	case schema.Bytes:
		return schema.BytesPerSecond
	case schema.Nanoseconds:
		return show.Nanocores
	case schema.Count:
		return schema.PerSecond
	default:
		return ""
	}
}

// checkUnit reports a unit that none of the metric's aggregates is in.
func checkUnit(unit string, m schema.Metric, aggs []query.Agg) error {
	if unit == "raw" || unit == "auto" {
		return nil
	}
	names := []string{"raw", "auto"}
	for _, agg := range aggs {
		scales := show.Scales(unitOf(m, agg))
		if _, ok := show.Named(scales, unit); ok {
			return nil
		}
		for _, s := range scales {
			if !slices.Contains(names, s.Name) {
				names = append(names, s.Name)
			}
		}
	}
	return schema.WithHint(fmt.Errorf("%s is not in units of %q", m.Name, unit), "use one of "+strings.Join(names, ", "))
}

// scaled shows an answer's values of one aggregate.
type scaled struct {
	show.Scale
	agg   query.Agg
	index int  // among a row's values; negative where it has none of it
	exact bool // numbers are spelled in full
}

// scales are the units in which the answer's values of the aggregates are shown:
// one for all values, and for aggregates that are compared, such as avg and max.
func (a Answer) scales(aggs []query.Agg, unit string) []scaled {
	var all []scaled
	for _, agg := range aggs {
		own := unitOf(a.Metric, agg)
		s := scaled{show.Raw(own), agg, slices.Index(a.Aggs, agg), unit == "raw"}
		if named, ok := show.Named(show.Scales(own), unit); ok {
			s.Scale = named
		} else if unit == "auto" && s.index >= 0 {
			s.Scale = show.Fitting(own, a.compared(agg))
		}
		all = append(all, s)
	}
	return all
}

// compared are the values of the aggregate, and of the others that have its size:
// an average has the size of a maximum, a sum has not.
func (a Answer) compared(agg query.Agg) []any {
	alike := []query.Agg{query.Avg, query.Min, query.Max, query.Last, query.P50, query.P95}
	var values []any
	for i, other := range a.Aggs {
		if other == agg || slices.Contains(alike, other) && slices.Contains(alike, agg) {
			values = append(values, a.values(i)...)
		}
	}
	return values
}

// values are those of an aggregate in all rows.
func (a Answer) values(index int) []any {
	values := make([]any, len(a.rows))
	for i, row := range a.rows {
		values[i] = row.Values[index]
	}
	return values
}

// column shows the aggregate in a table.
func (a Answer) column(s scaled) show.Column {
	if s.exact {
		return show.NewExactColumn(string(s.agg), s.Scale, a.values(s.index))
	}
	return show.NewColumn(string(s.agg), s.Scale, a.values(s.index))
}

// of is a row's value in the unit; nil where it has none.
func (s scaled) of(row AnswerRow) any {
	if s.index < 0 || row.Values[s.index] == nil {
		return nil
	}
	if v, ok := show.Float(row.Values[s.index]); ok && s.Size != 1 {
		return v / s.Size
	}
	return row.Values[s.index]
}

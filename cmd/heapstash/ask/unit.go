package ask

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive/query"
	"heapstash/cmd/heapstash/show"
	"heapstash/schema"
)

// unitOf returns the unit of an aggregate of a metric, empty for a count and where
// the unit is not known.
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

// checkUnit refuses a unit that does not fit any of the metric's aggregates.
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

// scaled is an aggregate with the unit in which its values are printed.
type scaled struct {
	show.Scale
	agg   query.Agg
	index int  // of the aggregate in a row's values; negative if it is not there
	exact bool // numbers are spelled in full
}

// scales returns the units in which the aggregates are printed. Aggregates that
// are compared, such as avg and max, have the same unit.
func (a answer) scales(aggs []query.Agg, unit string) []scaled {
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

// compared returns the values of the aggregate and of all others of its size: an
// average is as large as a maximum, a sum is not.
func (a answer) compared(agg query.Agg) []any {
	alike := []query.Agg{query.Avg, query.Min, query.Max, query.Last, query.P50, query.P95}
	var values []any
	for i, other := range a.Aggs {
		if other == agg || slices.Contains(alike, other) && slices.Contains(alike, agg) {
			values = append(values, a.values(i)...)
		}
	}
	return values
}

// values returns an aggregate's values in all rows.
func (a answer) values(index int) []any {
	values := make([]any, len(a.rows))
	for i, row := range a.rows {
		values[i] = row.Values[index]
	}
	return values
}

// column returns the aggregate's column of a table.
func (a answer) column(s scaled) show.Column {
	if s.exact {
		return show.NewExactColumn(string(s.agg), s.Scale, a.values(s.index))
	}
	return show.NewColumn(string(s.agg), s.Scale, a.values(s.index))
}

// of returns the row's value in the unit, nil if it has none.
func (s scaled) of(row query.Row) any {
	if s.index < 0 || row.Values[s.index] == nil {
		return nil
	}
	if v, ok := show.Float(row.Values[s.index]); ok && s.Size != 1 {
		return v / s.Size
	}
	return row.Values[s.index]
}

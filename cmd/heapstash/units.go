package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"heapstash/archive/query"
	"heapstash/schema"
)

// scale is a unit that values are shown in: how many of the metric's own unit
// it is.
type scale struct {
	name string
	size float64
}

// nanocores is the unit of the growth of CPU time by the second.
const nanocores schema.Unit = "ns/s"

// scalesOf are the units that people read, the smallest first. Others are shown
// as they are.
var scalesOf = map[schema.Unit][]scale{
	schema.Bytes:          {{"B", 1}, {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {"Ti", 1 << 40}},
	schema.BytesPerSecond: {{"B/s", 1}, {"Ki/s", 1 << 10}, {"Mi/s", 1 << 20}, {"Gi/s", 1 << 30}, {"Ti/s", 1 << 40}},
	schema.Millicores:     {{"millicores", 1}, {"cores", 1000}},
	nanocores:             {{"millicores", 1e6}, {"cores", 1e9}},
	schema.Nanoseconds:    {{"ms", 1e6}, {"s", 1e9}, {"h", 3600e9}, {"d", 86400e9}},
	schema.Milliseconds:   {{"ms", 1}, {"s", 1e3}, {"h", 3600e3}, {"d", 86400e3}},
	schema.Milliloads:     {{"milliloads", 1}, {"loads", 1000}},
	schema.Percent:        {{"%", 1}},
	schema.Ratio:          {{"%", 0.01}},
	schema.PerSecond:      {{"/s", 1}},
}

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
		return nanocores
	case schema.Count:
		return schema.PerSecond
	default:
		return ""
	}
}

// named finds a unit by its name; that of a rate may be without its /s.
func named(scales []scale, name string) (scale, bool) {
	i := slices.IndexFunc(scales, func(s scale) bool { return s.name == name || strings.TrimSuffix(s.name, "/s") == name })
	if i < 0 {
		return scale{}, false
	}
	return scales[i], true
}

// checkUnit reports a unit that none of the metric's aggregates is in.
func checkUnit(unit string, m schema.Metric, aggs []query.Agg) error {
	if unit == "raw" || unit == "auto" {
		return nil
	}
	names := []string{"raw", "auto"}
	for _, agg := range aggs {
		for _, s := range scalesOf[unitOf(m, agg)] {
			if _, ok := named([]scale{s}, unit); ok {
				return nil
			}
			names = append(names, s.name)
		}
	}
	return hinted{fmt.Errorf("%s is not in units of %q", m.Name, unit), "use one of " + strings.Join(names, ", ")}
}

// scaled shows an answer's values of one aggregate.
type scaled struct {
	scale
	index int  // among a row's values; negative where it has none of it
	raw   bool // numbers are spelled in full
}

// scales are the units in which the answer's values of the aggregates are shown:
// one for all values, so that they compare.
func (a answer) scales(aggs []query.Agg, unit string) []scaled {
	var all []scaled
	for _, agg := range aggs {
		s := scaled{scale{"", 1}, slices.Index(a.Aggs, agg), unit == "raw"}
		choice := scalesOf[unitOf(a.Metric, agg)]
		if named, ok := named(choice, unit); ok {
			s.scale = named
		} else if unit == "auto" && len(choice) > 0 && s.index >= 0 {
			s.scale = fitting(choice, a.greatest(s.index))
		}
		all = append(all, s)
	}
	return all
}

// greatest is the value of an aggregate that is furthest from zero.
func (a answer) greatest(index int) float64 {
	var greatest float64
	for _, row := range a.rows {
		if v, ok := numeric(row.values[index]); ok {
			greatest = max(greatest, math.Abs(v))
		}
	}
	return greatest
}

// fitting is the largest of the units that a value has one of, or the smallest.
func fitting(scales []scale, value float64) scale {
	chosen := scales[0]
	for _, s := range scales {
		if value >= s.size {
			chosen = s
		}
	}
	return chosen
}

// of is a row's value in the unit; nil where it has none.
func (s scaled) of(row answerRow) any {
	if s.index < 0 || row.values[s.index] == nil {
		return nil
	}
	if v, ok := numeric(row.values[s.index]); ok && s.size != 1 {
		return v / s.size
	}
	return row.values[s.index]
}

// spell is that for people.
func (s scaled) spell(row answerRow) string {
	value := s.of(row)
	v, ok := numeric(value)
	if !ok || s.raw {
		return visible(spell(value))
	}
	return strings.TrimSpace(short(v) + " " + s.name)
}

// numeric is the value as a float, if it is a number.
func numeric(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	default:
		return 0, false
	}
}

// short spells a number with four digits that matter, or all before the point.
func short(v float64) string {
	if math.Abs(v) >= 1000 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

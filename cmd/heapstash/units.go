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
	schema.Ratio:          {{"ratio", 1}, {"%", 0.01}},
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

// scale is the unit in which the answer's values of an aggregate are shown: one
// for all of them, so that they compare.
func (a answer) scale(agg query.Agg, unit string) scale {
	scales := scalesOf[unitOf(a.Metric, agg)]
	if s, ok := named(scales, unit); ok {
		return s
	}
	if unit != "auto" || len(scales) == 0 {
		return scale{"", 1}
	}
	i := slices.Index(a.Aggs, agg)
	var greatest float64
	for _, row := range a.rows {
		if v, ok := numeric(row.values[i]); ok {
			greatest = max(greatest, math.Abs(v))
		}
	}
	chosen := scales[0]
	for _, s := range scales {
		if s.size > chosen.size && greatest >= s.size {
			chosen = s
		}
	}
	return chosen
}

// scaled is a row's value of an aggregate in a unit; nil where it has none.
func (a answer) scaled(row answerRow, agg query.Agg, unit string) any {
	i := slices.Index(a.Aggs, agg)
	if i < 0 || row.values[i] == nil {
		return nil
	}
	s := a.scale(agg, unit)
	if v, ok := numeric(row.values[i]); ok && s.size != 1 {
		return v / s.size
	}
	return row.values[i]
}

// spelled is that for people.
func (a answer) spelled(row answerRow, agg query.Agg, unit string) string {
	value := a.scaled(row, agg, unit)
	if value == nil || unit == "raw" {
		return spell(value)
	}
	v, ok := numeric(value)
	if !ok {
		return visible(spell(value))
	}
	return strings.TrimSpace(short(v) + " " + a.scale(agg, unit).name)
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

package tables

import (
	"fmt"
	"strings"

	"heapstash/schema"
)

// View describes a view or a table of an archive.
type View struct {
	Name string `json:"view"`
	// Meaning says what a row is. It is empty if heapstash did not make the view.
	Meaning string       `json:"meaning"`
	Columns []ViewColumn `json:"columns"`
}

// ViewColumn describes a column of a view.
type ViewColumn struct {
	Name string
	// Of and What are a rollup's metric column and statistic, such as
	// cpu_usage_rate and max. Other columns have neither.
	Of, What string
	Unit     schema.Unit
	Meaning  string
}

// MeaningOfView says what a row of the view is.
func MeaningOfView(view string) string {
	if meaning, ok := viewMeanings[view]; ok {
		return meaning
	}
	if v, ok := ledgerMeanings().views[view]; ok {
		return v.Meaning
	}
	for suffix, meaning := range map[string]string{
		"_hourly": "what an hour of rows comes to, of ",
		"_daily":  "what a day of rows comes to, of ",
		"_rates":  "the growth of counters per second, of ",
	} {
		if base, ok := strings.CutSuffix(view, suffix); ok && viewMeanings[base] != "" {
			return meaning + strings.TrimSuffix(viewMeanings[base], " at a moment")
		}
	}
	return ""
}

// DescribeColumn describes a column of a view.
func DescribeColumn(view, name string) ViewColumn {
	base := view
	for _, suffix := range []string{"_hourly", "_daily", "_rates"} {
		base = strings.TrimSuffix(base, suffix)
	}
	for _, of := range []string{view, base} {
		if c, ok := columnMeanings[of+"."+name]; ok {
			c.Name = name
			return c
		}
	}
	if c, ok := DescribeMetric(name); ok {
		return c
	}
	c, ok := columnMeanings[name]
	if !ok {
		c = ledgerMeanings().columns[name]
	}
	c.Name = name
	if name == "ts" || name == "time" {
		if strings.HasSuffix(view, "_hourly") {
			c.Meaning = "begin of the hour, " + c.Meaning
		} else if strings.HasSuffix(view, "_daily") {
			c.Meaning = "begin of the day, " + c.Meaning
		}
	}
	return c
}

// rolledMeanings describes the statistics of rollups.
var rolledMeanings = map[string]string{
	"min": "the least value", "avg": "the sum divided by the count", "max": "the greatest value", "sum": "of all values",
	"count": "number of values", "increase": "growth since the value before; after a reset, from 0", "last": "the last value",
	"p50": "50th percentile, by nearest rank", "p95": "95th percentile, by nearest rank",
}

// DescribeMetric describes a column with a metric, its statistic or its rate.
func DescribeMetric(name string) (ViewColumn, bool) {
	for _, m := range schema.Registry() {
		switch column, statistic, rolled := m.Column(), "", false; {
		case name == column:
			return ViewColumn{Name: name, Unit: m.Unit, Meaning: m.Meaning()}, true
		case m.Part != "" && name == m.Derived():
			part, whole := schema.Metric{Name: m.Part}, schema.Metric{Name: m.Whole}
			return ViewColumn{Name: name, Unit: schema.Ratio, Meaning: part.Column() + " divided by " + whole.Column()}, true
		case name == "derived_"+column+"_per_second":
			unit := m.Unit + "/s"
			if m.Unit == schema.Count {
				unit = schema.PerSecond
			}
			return ViewColumn{Name: name, Unit: unit, Meaning: "growth per second since the row before: " + m.Description}, true
		default:
			statistic, rolled = strings.CutPrefix(name, column+"_")
			if _, ok := rolledMeanings[statistic]; !rolled || !ok {
				continue
			}
			c := ViewColumn{Name: name, Of: column, What: statistic, Unit: m.Unit, Meaning: m.Meaning()}
			if m.Part != "" {
				part, whole := schema.Metric{Name: m.Part}, schema.Metric{Name: m.Whole}
				c.Meaning = fmt.Sprintf("%s Made of values that Heapster's model API cut to 0 or 1: divide %s_... by %s_....", m.Description, part.Column(), whole.Column())
			}
			if statistic == "count" {
				c.Unit = ""
			}
			return c, true
		}
	}
	return ViewColumn{}, false
}

// RolledMeaning describes a statistic by the end of its column's name, such as max.
func RolledMeaning(statistic string) string { return rolledMeanings[statistic] }

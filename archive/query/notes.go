package query

import (
	"fmt"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// note adds notes for the reader of the answer: where it is not exact, and why.
func (p *Plan) note() {
	add := func(when bool, text string) {
		if when {
			p.Notes = append(p.Notes, text)
		}
	}
	has := func(aggs ...Agg) bool {
		return slices.ContainsFunc(aggs, func(agg Agg) bool { return slices.Contains(p.Aggs, agg) })
	}
	rolled := slices.ContainsFunc(p.Segments, func(s Segment) bool { return s.Level != archive.Raw })
	m := p.Metric
	add(rolled && p.NeedsIncarnations(), "an hour in which a pod was made again counts for the later pod; --level raw is exact")
	add(p.IsRatio(), fmt.Sprintf("%s is %s divided by %s of the same moment: Heapster's model API cuts it to 0 or 1", m.Name, m.Part, m.Whole))
	add(p.IsRatio() && rolled, fmt.Sprintf("hours and days in which %s changed are made of finer rows, and left out where those are not kept", m.Whole))
	if counter, cut := m.CounterOf(); cut {
		add(true, fmt.Sprintf("Heapster's model API cuts the fraction of %s: a value may be up to 1/s too small%s", m.Name, exactRate(counter, p.Kind)))
	}
	add(has(Rate), "a rate is over the time in which there are samples of the group, as avg is, and not over all of the range or step")
	add(rolled && has(P50, P95) && p.Step != archive.Hourly.Length(), "a percentile is that of the hours' percentiles")
	add(rolled && p.IsSummed() && has(Avg, Min, Max),
		"of the sum of several series, rollups tell bounds: max is at most, min and avg are at least what is shown;\n"+
			"avg is exact where all of them were there all the time; --level raw is exact")
}

// exactRate says of which kinds the counter gives the exact rate.
func exactRate(counter schema.Metric, kind schema.Kind) string {
	of := ""
	if !counter.On(kind) {
		var kinds []string
		for _, k := range counter.Kinds {
			kinds = append(kinds, inWords(k)+"s")
		}
		of = "of " + strings.Join(kinds, ", ") + ", "
	}
	return fmt.Sprintf("; %s`query %s --agg rate` has it", of, counter.Name)
}

// inWords spells a kind for people.
func inWords(k schema.Kind) string { return strings.ReplaceAll(k.String(), "_", " ") }

package querytest

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// Table is an answer: each aggregate by the row, which is named by its names, joined
// by |, and by its step, as in a|b@1506470400. A rate of no time is NaN.
type Table map[string]map[query.Agg]schema.Value

// whole is not asked for: it is 1 where one of the series was in every batch.
const whole query.Agg = "whole"

// bucket is what the oracle knows of a row.
type bucket struct {
	moments map[schema.Instant][]schema.Value
	counts  map[string]int // by series
	values  []schema.Value
	grown   []schema.Value
	span    query.Span // when that growth began and ended
}

// oracle answers the plan exactly from samples; growth and shares of time are of
// its range, too. The groups of sums are the sums of series at each moment. The last
// value of other groups, unless each is a single series, is an average.
func (w *World) oracle(p query.Plan, sums, single bool) Table {
	series := []string{"cluster", "namespace", "pod", "container", "node", "labels"}
	before := make(map[string]observation)
	batches := w.batches(p)
	buckets := make(map[string]*bucket)
	for _, r := range w.wanted(p.Query) {
		if r.At >= p.Range.To {
			break
		}
		id := r.key(series)
		last, known := before[id]
		before[id] = r
		r, ok := w.identified(p.Query, r, isRolled(p, r.At))
		if r.At < p.Range.From || !ok {
			continue
		}
		key := r.key(p.Groups()) + stepOf(r.At, p.Step)
		b := buckets[key]
		if b == nil {
			b = &bucket{moments: make(map[schema.Instant][]schema.Value), counts: make(map[string]int), span: query.Span{From: r.At, To: r.At}}
			buckets[key] = b
		}
		grew := w.span(p, r, last, known)
		b.span.From, b.span.To = min(b.span.From, grew.From), max(b.span.To, grew.To)
		b.moments[r.At] = append(b.moments[r.At], r.value)
		b.counts[id]++
		b.values = append(b.values, r.value)
		if known {
			b.grown = append(b.grown, growth(last.value, r.value))
		}
	}
	answer := make(Table)
	for key, b := range buckets {
		of := b.values
		last := slices.Max(slices.Collect(maps.Keys(b.moments)))
		lastValue := total(b.moments[last])
		if sums {
			of = nil
			for _, values := range b.moments {
				of = append(of, total(values))
			}
		} else if !single {
			lastValue = schema.Real(lastValue.Float64() / float64(len(b.moments[last])))
		}
		grown := total(b.grown)
		answer[key] = map[query.Agg]schema.Value{
			query.Avg: schema.Real(total(of).Float64() / float64(len(of))), query.Min: slices.MinFunc(of, compare), query.Max: slices.MaxFunc(of, compare),
			query.Sum: total(b.values), query.Count: schema.Int(int64(len(b.values))),
			query.P50: nearestRank(of, 0.50), query.P95: nearestRank(of, 0.95), query.Last: lastValue,
			whole:          schema.Int(0),
			query.Increase: grown, query.Rate: schema.Real(math.NaN()),
		}
		if b.span.To > b.span.From {
			answer[key][query.Rate] = schema.Real(grown.Float64() / float64(b.span.To-b.span.From))
		}
		_, at, _ := strings.Cut(key, "@")
		for _, n := range b.counts {
			if n == len(batches[at]) {
				answer[key][whole] = schema.Int(1)
			}
		}
	}
	return answer
}

// batches are the moments of each step with samples of the kind.
func (w *World) batches(p query.Plan) map[string]map[schema.Instant]bool {
	batches := make(map[string]map[schema.Instant]bool)
	for _, r := range w.wanted(query.Query{Metric: p.Metric, Kind: p.Kind}) {
		_, at, _ := strings.Cut(stepOf(r.At, p.Step), "@")
		if batches[at] == nil {
			batches[at] = make(map[schema.Instant]bool)
		}
		if r.At >= p.Range.From && r.At < p.Range.To {
			batches[at][r.At] = true
		}
	}
	return batches
}

// span is the time in which a counter grew from the sample before to this one. In
// an hour or a day of a rollup it is all of that, as far as the entity was there.
func (w *World) span(p query.Plan, r, last observation, known bool) query.Span {
	for _, segment := range p.Segments {
		if r.At < segment.From || r.At >= segment.To || segment.Level == archive.Raw {
			continue
		}
		begin := segment.Level.Begin(r.At)
		end := begin.Add(segment.Level.Length())
		span := query.Span{From: begin, To: end}
		if r.Pod != "" {
			r.Node = "" // which is the incarnation's
		}
		if life, ok := w.Lives[r.Subject]; ok {
			if life.To > begin {
				span.To = min(end, life.To)
			}
			if life.From < end {
				span.From = max(begin, life.From)
			}
		}
		return span
	}
	if known && (compare(r.value, last.value) >= 0 || r.At.Sub(last.At) <= query.Absence) {
		return query.Span{From: last.At, To: r.At}
	}
	return query.Span{From: r.At, To: r.At}
}

// isRolled reports whether the plan reads the moment from a rollup.
func isRolled(p query.Plan, at schema.Instant) bool {
	return slices.ContainsFunc(p.Segments, func(s query.Segment) bool { return s.Level != archive.Raw && s.From <= at && at < s.To })
}

// ofHours replaces each percentile by the percentile of the hours' percentiles. Each
// group is one series.
func (w *World) ofHours(p query.Plan, answer Table) {
	hourly := p
	hourly.Step = time.Hour
	lists := make(map[string]map[query.Agg][]schema.Value)
	for key, aggs := range w.oracle(hourly, true, true) {
		name, at, _ := strings.Cut(key, "@")
		begin, _ := strconv.ParseInt(at, 10, 64)
		name += stepOf(schema.Instant(begin), p.Step)
		if lists[name] == nil {
			lists[name] = make(map[query.Agg][]schema.Value)
		}
		for _, agg := range []query.Agg{query.P50, query.P95} {
			lists[name][agg] = append(lists[name][agg], aggs[agg])
		}
	}
	for key, aggs := range answer {
		aggs[query.P50], aggs[query.P95] = nearestRank(lists[key][query.P50], 0.50), nearestRank(lists[key][query.P95], 0.95)
	}
}

// stepOf names the step of a moment; nothing for the range as a whole.
func stepOf(at schema.Instant, step time.Duration) string {
	const day = 24 * time.Hour
	if step == 0 {
		return ""
	}
	for step%(7*day) == 0 && at.Time().Weekday() != time.Monday {
		at = at.Add(-day)
	}
	if step == 7*day {
		step = day
	}
	return fmt.Sprintf("@%d", at-at%schema.Instant(step/time.Second))
}

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
type Table map[string]map[query.Agg]float64

// whole is not asked for: it is 1 where one of the series was in every batch.
const whole query.Agg = "whole"

// bucket is what the oracle knows of a row.
type bucket struct {
	moments map[schema.Instant]float64 // sums of all series
	latest  map[schema.Instant][]float64
	counts  map[string]int // by series
	values  []float64
	grown   float64
	span    query.Span // when that growth began and ended
}

// oracle answers the plan exactly from samples; growth and shares of time are of
// its range, too. The groups of sums are the sums of series at each moment.
func (w *World) oracle(p query.Plan, sums bool) Table {
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
			b = &bucket{moments: make(map[schema.Instant]float64), latest: make(map[schema.Instant][]float64), counts: make(map[string]int), span: query.Span{From: r.At, To: r.At}}
			buckets[key] = b
		}
		grew := w.span(p, r, last, known)
		b.span.From, b.span.To = min(b.span.From, grew.From), max(b.span.To, grew.To)
		b.moments[r.At] += r.value
		b.latest[r.At] = append(b.latest[r.At], r.value)
		b.counts[id]++
		b.values = append(b.values, r.value)
		switch {
		case known && r.value < last.value:
			b.grown += r.value
		case known:
			b.grown += r.value - last.value
		}
	}
	answer := make(Table)
	for key, b := range buckets {
		of := b.values
		last := slices.Max(slices.Collect(maps.Keys(b.moments)))
		lastValue := total(b.latest[last]) / float64(len(b.latest[last]))
		if sums {
			of = slices.Collect(maps.Values(b.moments))
			lastValue = b.moments[last]
		}
		answer[key] = map[query.Agg]float64{
			query.Avg: total(of) / float64(len(of)), query.Min: slices.Min(of), query.Max: slices.Max(of),
			query.Sum: total(b.values), query.Count: float64(len(b.values)),
			query.P50: nearestRank(of, 0.50), query.P95: nearestRank(of, 0.95), query.Last: lastValue,
			whole:          0,
			query.Increase: b.grown, query.Rate: math.NaN(),
		}
		if b.span.To > b.span.From {
			answer[key][query.Rate] = b.grown / float64(b.span.To-b.span.From)
		}
		_, at, _ := strings.Cut(key, "@")
		for _, n := range b.counts {
			if n == len(batches[at]) {
				answer[key][whole] = 1
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
	if known && (r.value >= last.value || r.At.Sub(last.At) <= query.Absence) {
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
	lists := make(map[string]map[query.Agg][]float64)
	for key, aggs := range w.oracle(hourly, true) {
		name, at, _ := strings.Cut(key, "@")
		begin, _ := strconv.ParseInt(at, 10, 64)
		name += stepOf(schema.Instant(begin), p.Step)
		if lists[name] == nil {
			lists[name] = make(map[query.Agg][]float64)
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

func total(values []float64) (sum float64) {
	for _, v := range values {
		sum += v
	}
	return sum
}

// nearestRank is the least value that so much of all is not greater than.
func nearestRank(values []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Ceil(share*float64(len(sorted))-1e-9)), 1)-1]
}

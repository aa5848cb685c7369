package query_test

import (
	"cmp"
	"math"
	"path"
	"slices"
	"strings"
	gotime "time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// The oracle answers a query from the list of all samples, the slow and plain
// way, as the help of the command says it.

// field is a sample's value of a column.
func (s sample) field(column string) string {
	switch column {
	case "cluster":
		return s.cluster
	case "namespace":
		return s.namespace
	case "pod":
		return s.pod
	case "container":
		return s.container
	case "node":
		return s.node
	case "labels":
		return s.labels
	case "owner_kind":
		return s.incarnation.ownerKind
	case "owner":
		return s.incarnation.owner
	default:
		if key, ok := strings.CutPrefix(column, "label:"); ok {
			return labelOf(s.incarnation.labels, key)
		}
		return labelOf(s.labels, column)
	}
}

// labelOf is the value of a key among labels.
func labelOf(labels, key string) string {
	for pair := range strings.SplitSeq(labels, ",") {
		if value, ok := strings.CutPrefix(pair, key+":"); ok {
			return value
		}
	}
	return ""
}

// pod is the incarnation that the sample's pod had then; none if it is not known.
// Of an hour as a whole, it is the last one that began before the hour's end.
func (w *world) pod(s sample, hours bool) incarnation {
	from, to := s.ts, s.ts
	if hours {
		from = s.ts - s.ts%3600
		to = from + 3599
	}
	all := w.pods[strings.Join([]string{s.cluster, s.namespace, s.pod}, "|")]
	for _, i := range slices.Backward(all) {
		if i.from <= to {
			if i.present || i.to >= from {
				return i
			}
			break
		}
	}
	return incarnation{}
}

// identified fills in what a sample of a pod or container has of the pod's
// incarnation, and reports whether that is on a node that is asked for.
func (w *world) identified(q query.Query, s sample, hours bool) (sample, bool) {
	if q.Kind != schema.Pod && q.Kind != schema.Container {
		return s, true
	}
	s.incarnation = w.pod(s, hours)
	s.node = s.incarnation.node
	return s, len(q.Nodes) == 0 || s.node != "" && anyMatches(q.Nodes, s.node)
}

func (s sample) key(columns []string) string {
	var names []string
	for _, column := range columns {
		names = append(names, s.field(column))
	}
	return strings.Join(names, "|")
}

func anyMatches(globs []string, name string) bool {
	for _, glob := range globs {
		if ok, err := path.Match(glob, name); ok && err == nil {
			return true
		}
	}
	return len(globs) == 0
}

// wanted are the samples that the query is about, of any time.
func (w *world) wanted(q query.Query) []sample {
	var wanted []sample
	ofPods := q.Kind == schema.Pod || q.Kind == schema.Container
	for _, s := range w.exact(q) {
		ok := s.kind == q.Kind.String() && s.metric == string(q.Metric.Name) &&
			anyMatches(q.Clusters, s.cluster) && anyMatches(q.Namespaces, s.namespace) && anyMatches(q.Pods, s.pod) &&
			anyMatches(q.Containers, s.container) && (ofPods || anyMatches(q.Nodes, s.node)) &&
			(len(q.ExcludeNamespaces) == 0 || !anyMatches(q.ExcludeNamespaces, s.namespace))
		for key, glob := range q.Labels {
			ok = ok && strings.ReplaceAll(glob, "*", "") != "" && strings.HasPrefix(s.field(key), strings.TrimSuffix(glob, "*"))
		}
		if ok {
			wanted = append(wanted, s)
		}
	}
	return wanted
}

// exact are the samples of the query's metric. A ratio that Heapster cut is made
// of its parts, and is not there without them.
func (w *world) exact(q query.Query) []sample {
	var list []sample
	parts := make(map[string]float64)
	for _, s := range w.samples {
		if s.metric == string(q.Metric.Part) || s.metric == string(q.Metric.Whole) {
			parts[s.metric+s.key([]string{"cluster", "node"})+time(s.ts)] = s.value
		}
	}
	for _, s := range w.samples {
		if s.metric != string(q.Metric.Name) {
			continue
		}
		if q.Metric.Part != "" {
			key := s.key([]string{"cluster", "node"}) + time(s.ts)
			part, hasPart := parts[string(q.Metric.Part)+key]
			whole, hasWhole := parts[string(q.Metric.Whole)+key]
			switch {
			case hasPart && hasWhole:
				s.value = part / whole
			case !s.real:
				continue
			}
		}
		list = append(list, s)
	}
	return list
}

// expected is an answer of the oracle: of each group and step, each aggregate.
type expected map[string]map[query.Agg]float64

// whole is not asked for: it is 1 where one of the series was in every batch.
const whole query.Agg = "whole"

type bucket struct {
	moments  map[int64]float64 // sums of all series
	latest   map[int64][]float64
	counts   map[string]int // by series
	values   []float64
	grown    float64
	from, to int64 // when that growth began and ended
}

// oracle answers the query exactly. The range is [from, to); growth and shares of
// time are of that too.
func (w *world) oracle(q query.Query, from, to int64, addsUp bool, hours func(ts int64) bool) expected {
	series := []string{"cluster", "namespace", "pod", "container", "node", "labels"}
	step := int64(q.Step.Seconds())
	before := make(map[string]sample)
	batches := make(map[string]map[int64]bool) // of the kind, by step
	everything := q
	everything.Namespaces, everything.Pods, everything.Containers, everything.Nodes, everything.Labels = nil, nil, nil, nil, nil
	everything.ExcludeNamespaces = nil
	for _, s := range w.wanted(everything) {
		at := stepOf(s.ts, step)
		if batches[at] == nil {
			batches[at] = make(map[int64]bool)
		}
		if s.ts >= from && s.ts < to {
			batches[at][s.ts] = true
		}
	}
	buckets := make(map[string]*bucket)
	for _, s := range w.wanted(q) {
		if s.ts >= to {
			break
		}
		id := s.key(series)
		last, known := before[id]
		old := last.value
		before[id] = s
		s, ok := w.identified(q, s, hours(s.ts))
		if s.ts < from || !ok {
			continue
		}
		key := s.key(q.Groups())
		if step > 0 {
			key += stepOf(s.ts, step)
		}
		b := buckets[key]
		if b == nil {
			b = &bucket{moments: make(map[int64]float64), latest: make(map[int64][]float64), counts: make(map[string]int), from: s.ts, to: s.ts}
			buckets[key] = b
		}
		since, until := w.span(s, last, known)
		b.from, b.to = min(b.from, since), max(b.to, until)
		b.moments[s.ts] += s.value
		b.latest[s.ts] = append(b.latest[s.ts], s.value)
		b.counts[id]++
		b.values = append(b.values, s.value)
		switch {
		case known && s.value < old:
			b.grown += s.value
		case known:
			b.grown += s.value - old
		}
	}
	answer := make(expected)
	for key, b := range buckets {
		of := b.values
		last := slices.Max(keys(b.moments))
		lastValue := total(b.latest[last]) / float64(len(b.latest[last]))
		if addsUp {
			of = nil
			for _, sum := range b.moments {
				of = append(of, sum)
			}
			lastValue = b.moments[last]
		}
		_, at, stepped := strings.Cut(key, "@")
		if stepped {
			at = "@" + at
		}
		answer[key] = map[query.Agg]float64{
			query.Avg: total(of) / float64(len(of)), query.Min: slices.Min(of), query.Max: slices.Max(of),
			query.Sum: total(b.values), query.Count: float64(len(b.values)),
			query.P50: nearestRank(of, 0.50), query.P95: nearestRank(of, 0.95), query.Last: lastValue,
			whole:          0,
			query.Increase: b.grown, query.Rate: math.NaN(),
		}
		if b.to > b.from {
			answer[key][query.Rate] = b.grown / float64(b.to-b.from)
		}
		for _, n := range b.counts {
			if n == len(batches[at]) {
				answer[key][whole] = 1
			}
		}
	}
	return answer
}

// span is the time in which a counter grew from the sample before to this one. In
// an hour or a day of a rollup it is all of that, as far as the thing was there.
func (w *world) span(s, last sample, known bool) (since, until int64) {
	for _, segment := range w.segments {
		if s.ts < int64(segment.From) || s.ts >= int64(segment.To) || segment.Level == archive.Raw {
			continue
		}
		long := int64(segment.Level.Length().Seconds())
		since, until = s.ts-s.ts%long, s.ts-s.ts%long+long
		if life, ok := w.lives[s.thing()]; ok {
			if from := since; life[1] > from {
				until = min(until, life[1])
			}
			if life[0] < since+long {
				since = max(since, life[0])
			}
		}
		return since, until
	}
	if known && (s.value >= last.value || s.ts-last.ts <= 2*3600) {
		return last.ts, s.ts
	}
	return s.ts, s.ts
}

// thing names what the sample is of, as the view entities does.
func (s sample) thing() string {
	node := s.node
	if s.pod != "" {
		node = ""
	}
	return strings.Join([]string{s.cluster, s.kind, s.namespace, s.pod, s.container, node, s.labels}, "|")
}

// ofHours replaces the percentiles by those of the percentiles of hours. Groups
// are series.
func (w *world) ofHours(q query.Query, from, to int64, answer expected, hours func(int64) bool) {
	hourly := q
	hourly.Step = 3600e9
	lists := make(map[string]map[query.Agg][]float64)
	for key, aggs := range w.oracle(hourly, from, to, true, hours) {
		name, at, _ := strings.Cut(key, "@")
		if step := int64(q.Step.Seconds()); step > 0 {
			name += stepOf(number(at), step)
		}
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
func stepOf(ts, step int64) string {
	if step == 0 {
		return ""
	}
	for step%(7*24*3600) == 0 && gotime.Unix(ts, 0).UTC().Weekday() != gotime.Monday {
		ts -= 24 * 3600
	}
	if step == 7*24*3600 {
		step = 24 * 3600
	}
	return "@" + time(ts-ts%step)
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

func keys[K cmp.Ordered, V any](m map[K]V) (list []K) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

package archivetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/schema"
)

// Carriers returns the kinds that have samples of the metric.
func (m *InMemory) Carriers(_ context.Context, metric schema.MetricName) ([]schema.Kind, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kinds := make(map[schema.Kind]bool)
	for c := range m.samples {
		if c.Metric == metric {
			kinds[c.Entity.Kind] = true
		}
	}
	return slices.Sorted(maps.Keys(kinds)), nil
}

// MetricNames returns the metrics that have samples.
func (m *InMemory) MetricNames(ctx context.Context) (names []string, err error) {
	samples, err := m.OpenSamples(ctx)
	for _, name := range samples.Names() {
		names = append(names, string(name))
	}
	return names, err
}

// Names returns the names that entities have.
func (m *InMemory) Names(_ context.Context, q query.Query, columns ...string) ([][]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make(map[string][]string)
	for cluster, r := range m.clusters {
		for e := range r.entities {
			if q.Kind != 0 && e.Kind != q.Kind {
				continue
			}
			for _, pod := range r.podsOf(e) {
				s := sample{cluster: cluster, entity: e, pod: pod}
				if !s.passes(q) {
					continue
				}
				if names := s.names(columns); strings.Join(names, "") != "" {
					rows[fmt.Sprintf("%q", names)] = names
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(rows), slices.Compare), nil
}

// podsOf returns the incarnations of the entity's pod; one without a name if none
// is known.
func (r *remembered) podsOf(e schema.Entity) []incarnation {
	all := r.identities[schema.PodEntity(e.Namespace, e.Pod)]
	if e.Pod == "" || len(all) == 0 {
		return []incarnation{{}}
	}
	return all
}

// sample is one with what can be asked of it.
type sample struct {
	cluster string
	entity  schema.Entity
	pod     incarnation
	at      schema.Instant
	value   schema.Value
	// What the counter grew by since the sample before, and since when.
	growth schema.Value
	since  schema.Instant
}

func (s sample) name(column string) string {
	e := s.entity
	switch column {
	case "cluster":
		return s.cluster
	case "kind":
		return e.Kind.String()
	case "namespace":
		return e.Namespace
	case "pod":
		return e.Pod
	case "container":
		return e.Container
	case "node":
		return cmp.Or(e.Node, s.pod.Node)
	case "labels":
		return e.Labels
	case "owner_kind":
		return s.pod.Owner.Kind
	case "owner":
		return s.pod.Owner.Name
	}
	labels := e.Labels
	key, ofPod := strings.CutPrefix(column, query.LabelPrefix)
	if ofPod {
		labels = s.pod.Labels
	}
	for pair := range strings.SplitSeq(labels, ",") {
		if v, ok := strings.CutPrefix(pair, key+":"); ok {
			return v
		}
	}
	return ""
}

func (s sample) names(columns []string) []string {
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = s.name(column)
	}
	return names
}

func (s sample) passes(q query.Query) bool {
	f := q.Filter
	if q.OfPods() && len(f.Nodes) > 0 {
		if s.pod.Node == "" || !schema.MatchesAny(f.Nodes, s.pod.Node) {
			return false
		}
		f.Nodes = nil
	}
	return f.Matches(s.cluster, s.entity)
}

// samplesOf returns the samples of the query's metric and kind that its names
// select, each series' in the order of time.
func (m *InMemory) samplesOf(q query.Query) (all []sample) {
	series := make(map[string][]sample)
	for c, v := range m.samples {
		if c.Metric != q.Metric.Name || c.Entity.Kind != q.Kind {
			continue
		}
		s := sample{cluster: c.Cluster, entity: c.Entity, at: c.At, value: v}
		if q.IsRatio() {
			part, hasPart := m.samples[sampleKey{c.Cluster, c.Entity, q.Metric.Part, c.At}]
			whole, hasWhole := m.samples[sampleKey{c.Cluster, c.Entity, q.Metric.Whole, c.At}]
			if _, cut := v.Int64(); hasPart && hasWhole {
				s.value = schema.Real(part.Float64() / whole.Float64())
			} else if cut {
				continue
			}
		}
		for _, pod := range m.of(c.Cluster).podsOf(c.Entity) {
			if pod.Since <= c.At && (pod.until == 0 || c.At <= pod.until) {
				s.pod = pod
			}
		}
		key := c.Cluster + " " + c.Entity.String()
		series[key] = append(series[key], s)
	}
	for _, key := range slices.Sorted(maps.Keys(series)) {
		one := series[key]
		slices.SortFunc(one, func(a, b sample) int { return cmp.Compare(a.at, b.at) })
		for i := range one {
			if one[i].since = one[i].at; i > 0 {
				last := one[i-1]
				reset := order(one[i].value, last.value) < 0
				if one[i].growth = one[i].value; !reset {
					one[i].growth = difference(one[i].value, last.value)
				}
				if !reset || one[i].at.Sub(last.at) <= query.Absence {
					one[i].since = last.at
				}
			}
			if one[i].passes(q) {
				all = append(all, one[i])
			}
		}
	}
	return all
}

// Coverage tells what there is for the query.
func (m *InMemory) Coverage(_ context.Context, q query.Query) (query.Coverage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	entities := make(map[string]bool)
	var raw query.Span
	for _, s := range m.samplesOf(q) {
		entities[s.cluster+" "+s.entity.String()] = true
		if raw.From == 0 || s.at < raw.From {
			raw.From = s.at
		}
		raw.To = max(raw.To, s.at+1)
	}
	return query.Coverage{Entities: len(entities), Levels: map[archive.Level]query.Span{archive.Raw: raw}}, nil
}

// Explain says that there is no statement.
func (m *InMemory) Explain(query.Plan) string { return "no SQL" }

// Answer computes the plan's answer of all samples.
func (m *InMemory) Answer(ctx context.Context, p query.Plan, visit func(query.Row) error) error {
	m.mu.Lock()
	samples := slices.DeleteFunc(m.samplesOf(p.Query), func(s sample) bool { return s.at < p.Range.From || s.at >= p.Range.To })
	m.mu.Unlock()
	rows := group(p, samples, func(s sample) schema.Instant {
		if p.Step == 0 {
			return 0
		}
		return query.StepBegin(s.at, p.Step)
	})
	if p.Step == 0 || p.Top > 0 {
		ranked := group(p, samples, func(sample) schema.Instant { return 0 })
		slices.SortStableFunc(ranked, func(a, b query.Row) int { return cmp.Compare(number(b.Values[0]), number(a.Values[0])) })
		if p.Top > 0 {
			ranked = ranked[:min(p.Top, len(ranked))]
		}
		rank := func(r query.Row) int {
			return slices.IndexFunc(ranked, func(other query.Row) bool { return slices.Equal(r.Names, other.Names) })
		}
		rows = slices.DeleteFunc(rows, func(r query.Row) bool { return rank(r) < 0 })
		slices.SortStableFunc(rows, func(a, b query.Row) int { return cmp.Compare(rank(a), rank(b)) })
	}
	for _, r := range rows {
		if err := cmp.Or(ctx.Err(), visit(r)); err != nil {
			return err
		}
	}
	return nil
}

func number(v any) float64 {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	default:
		return math.Inf(-1)
	}
}

// group makes a row of each group and step, in the order of names and time.
func group(p query.Plan, samples []sample, step func(sample) schema.Instant) (rows []query.Row) {
	groups := make(map[string][]sample)
	for _, s := range samples {
		key := fmt.Sprintf("%q %d", s.names(p.Groups()), step(s))
		groups[key] = append(groups[key], s)
	}
	for _, all := range groups {
		r := query.Row{Names: all[0].names(p.Groups()), At: step(all[0])}
		for _, agg := range p.Aggs {
			r.Values = append(r.Values, aggregate(p, agg, all))
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b query.Row) int { return cmp.Or(slices.Compare(a.Names, b.Names), cmp.Compare(a.At, b.At)) })
	return rows
}

// aggregate computes one number of the samples of a group.
func aggregate(p query.Plan, agg query.Agg, samples []sample) any {
	moments := make(map[schema.Instant][]schema.Value)
	var all, growths []schema.Value
	from, to := samples[0].since, samples[0].at
	for _, s := range samples {
		moments[s.at] = append(moments[s.at], s.value)
		all = append(all, s.value)
		growths = append(growths, s.growth)
		from, to = min(from, s.since), max(to, s.at)
	}
	of := all
	last := moments[slices.Max(slices.Collect(maps.Keys(moments)))]
	latest := total(last)
	switch {
	case p.IsSingle():
	case !p.IsSummed():
		latest = schema.Real(latest.Float64() / float64(len(last)))
	default:
		of = nil
		for _, values := range moments {
			of = append(of, total(values))
		}
	}
	slices.SortFunc(of, order)
	switch agg {
	case query.Avg:
		return total(of).Float64() / float64(len(of))
	case query.Min:
		return plain(of[0])
	case query.Max:
		return plain(of[len(of)-1])
	case query.Sum:
		return plain(total(all))
	case query.Last:
		return plain(latest)
	case query.Increase:
		return plain(total(growths))
	case query.Rate:
		if to == from {
			return nil
		}
		return total(growths).Float64() / float64(to-from)
	case query.P50, query.P95:
		return plain(of[(agg.Percent()*len(of)+99)/100-1])
	default:
		return int64(len(all))
	}
}

// plain returns the number as answers have it.
func plain(v schema.Value) any {
	if integer, is := v.Int64(); is {
		return integer
	}
	return v.Float64()
}

// order compares numbers. No integer is rounded.
func order(a, b schema.Value) int {
	rational := func(v schema.Value) *big.Rat {
		if integer, is := v.Int64(); is {
			return new(big.Rat).SetInt64(integer)
		}
		return new(big.Rat).SetFloat64(v.Float64())
	}
	if c := cmp.Compare(a.Float64(), b.Float64()); c != 0 {
		return c
	}
	return rational(a).Cmp(rational(b))
}

func difference(a, b schema.Value) schema.Value {
	i, is := a.Int64()
	if j, too := b.Int64(); is && too {
		return schema.Int(i - j)
	}
	return schema.Real(a.Float64() - b.Float64())
}

// total is an integer if all values are.
func total(values []schema.Value) schema.Value {
	integers, floats, whole := new(big.Int), 0.0, true
	for _, v := range values {
		if integer, is := v.Int64(); is {
			integers.Add(integers, big.NewInt(integer))
		} else {
			floats += v.Float64()
			whole = false
		}
	}
	if whole {
		return schema.Int(integers.Int64())
	}
	sum, _ := new(big.Float).SetInt(integers).Float64()
	return schema.Real(sum + floats)
}

package archivetest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"heapstash/archive"
	"heapstash/schema"
)

// Status tells what the archive holds of passes.
func (m *InMemory) Status(context.Context) (s archive.Status, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range slices.Backward(m.passes) {
		s.Passes = append(s.Passes, archive.PassStatus{ID: p.ID, Cluster: p.Cluster, Started: schema.InstantOf(p.Started), Outcome: p.Outcome,
			Error: p.Error, New: p.New, Conflicts: p.Conflicts, GapSeconds: int64(p.Gap.Seconds())})
	}
	return s, nil
}

// OpenSamples returns the samples of this moment.
func (m *InMemory) OpenSamples(context.Context) (archive.Samples, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &memorySamples{samples: maps.Clone(m.samples), identities: make(map[string]map[schema.Entity][]incarnation)}
	for cluster, r := range m.clusters {
		s.identities[cluster] = maps.Clone(r.identities)
	}
	return s, nil
}

type memorySamples struct {
	samples    map[sampleKey]schema.Value
	identities map[string]map[schema.Entity][]incarnation
}

func (s *memorySamples) Close() error { return nil }

func (s *memorySamples) Names() []schema.MetricName {
	names := make(map[schema.MetricName]bool)
	for c := range s.samples {
		names[c.Metric] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Series yields one series after the other. There are none of hours and days.
func (s *memorySamples) Series(ctx context.Context, sel archive.Selection) iter.Seq2[*archive.Series, error] {
	type key struct {
		cluster string
		entity  schema.Entity
		metric  schema.MetricName
	}
	series := make(map[key][]archive.Sample)
	for c, v := range s.samples {
		if (sel.Level == "" || sel.Level == archive.Raw) && sel.Matches(c.Cluster, c.Entity) && sel.MatchesMetric(c.Metric) &&
			c.At >= sel.Window.From && (sel.Window.To == 0 || c.At <= sel.Window.To) {
			k := key{c.Cluster, c.Entity, c.Metric}
			series[k] = append(series[k], archive.Sample{At: c.At, Value: v})
		}
	}
	keys := slices.SortedFunc(maps.Keys(series), func(a, b key) int {
		return strings.Compare(a.cluster+" "+a.entity.String()+" "+string(a.metric), b.cluster+" "+b.entity.String()+" "+string(b.metric))
	})
	return func(yield func(*archive.Series, error) bool) {
		for i, k := range keys {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			slices.SortFunc(series[k], func(a, b archive.Sample) int { return int(a.At - b.At) })
			one := archive.Series{Cluster: k.cluster, Entity: k.entity, Columns: []archive.Column{{Metric: k.metric}},
				Samples: slices.Values(series[k]), Done: i, Of: len(keys)}
			if sel.Incarnations {
				pod := schema.PodEntity(k.entity.Namespace, k.entity.Pod)
				for _, pods := range s.identities[k.cluster][pod] {
					one.Incarnations = append(one.Incarnations, archive.Incarnation{Window: schema.Window{From: pods.Since, To: pods.until},
						UID: pods.UID, Node: pods.Node, Labels: pods.Labels, Images: pods.Images})
				}
			}
			if !yield(&one, nil) {
				return
			}
		}
	}
}

// Holes returns the ledger's holes, the oldest first.
func (m *InMemory) Holes(_ context.Context, since schema.Instant) (all []archive.RecordedHole, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, h := range m.holes {
		p := m.passes[h.pass-1]
		one := archive.RecordedHole{Cluster: p.Cluster, Pass: p.ID, Started: schema.InstantOf(p.Started), Scope: h.Scope(), Metric: h.Metric,
			Cause: h.Cause, Detail: h.Detail, From: h.Window.From, To: h.Window.To, Lasting: h.Lasting}
		if one.From > 0 {
			one.Seconds = int64(one.To-one.From) + 1
		}
		if max(one.To, one.Started) >= since {
			all = append(all, one)
		}
	}
	return all, nil
}

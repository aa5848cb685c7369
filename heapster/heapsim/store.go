package heapsim

import (
	"maps"
	"time"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// store is Heapster's memory: whole batches for a short time, and two metrics without
// labels for a longer time (metrics/sinks/metric/metric_sink.go). It never changes:
// a feed makes a new store that shares the batches.
type store struct {
	short []*indexedBatch
	long  []*longBatch
}

// indexedBatch is a batch with its sets by entity.
type indexedBatch struct {
	at   time.Time
	sets []*Set // one for each entity, in the order of the batch
	of   map[schema.Entity]*Set
}

// longBatch is a batch's part in the long store.
type longBatch struct {
	at     time.Time
	values map[schema.MetricName]map[schema.Entity]int64
}

func newIndexedBatch(b Batch) *indexedBatch {
	s := &indexedBatch{at: b.At.UTC(), of: make(map[schema.Entity]*Set, len(b.Sets))}
	for i := range b.Sets {
		s.of[b.Sets[i].Entity] = &b.Sets[i]
	}
	for i := range b.Sets {
		if set := &b.Sets[i]; s.of[set.Entity] == set {
			s.sets = append(s.sets, set)
		}
	}
	return s
}

// newLongBatch returns the batch's part in the long store, which has integers only:
// Heapster stores a float as 0 there.
func newLongBatch(b *indexedBatch) *longBatch {
	l := &longBatch{at: b.at, values: make(map[schema.MetricName]map[schema.Entity]int64)}
	for _, metric := range schema.Registry() {
		if !metric.Long {
			continue
		}
		of := make(map[schema.Entity]int64, len(b.sets))
		for _, set := range b.sets {
			if value, found := set.Values[metric.Name]; found {
				integer, ok := value.Int64()
				if !ok {
					integer = 0
				}
				of[set.Entity] = integer
			}
		}
		l.values[metric.Name] = of
	}
	return l
}

// with returns a store with the batch, whatever its time, and without the batches at
// or before the two cut-off times.
func (s store) with(b *indexedBatch, shortCut, longCut time.Time) store {
	var next store
	for _, kept := range s.short {
		if kept.at.After(shortCut) {
			next.short = append(next.short, kept)
		}
	}
	for _, kept := range s.long {
		if kept.at.After(longCut) {
			next.long = append(next.long, kept)
		}
	}
	next.short = append(next.short, b)
	next.long = append(next.long, newLongBatch(b))
	return next
}

// latest returns the batch that was fed last, which the lists show, or nil.
func (s store) latest() *indexedBatch {
	if len(s.short) == 0 {
		return nil
	}
	return s.short[len(s.short)-1]
}

// newest returns the batch with the latest time, which metric-export shows, or nil.
func (s store) newest() *indexedBatch {
	var newest *indexedBatch
	for _, b := range s.short {
		if newest == nil || newest.at.Before(b.at) {
			newest = b
		}
	}
	return newest
}

// names returns the entities of the latest batch for which name has a name.
func (s store) names(name func(*Set) (string, bool)) []string {
	var names []string
	if latest := s.latest(); latest != nil {
		for _, set := range latest.sets {
			if name, ok := name(set); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// series returns the points of the metric from start to end, both included, in the
// order of the feeds. It repeats each point times times, because Heapster repeats the
// points of a name that is repeated in a pod-list.
func (s store) series(metric schema.MetricName, of schema.Entity, times int, start, end time.Time) []wire.Point {
	var points []wire.Point
	add := func(at time.Time, value schema.Value, found bool) {
		if found && !at.Before(start) && !at.After(end) {
			for range times {
				points = append(points, wire.Point{At: at, Value: value})
			}
		}
	}
	if known, ok := schema.Lookup(metric); ok && known.Long {
		for _, b := range s.long {
			value, found := b.values[metric][of]
			add(b.at, schema.Int(value), found)
		}
		return points
	}
	for _, b := range s.short {
		if set := b.of[of]; set != nil {
			value, found := set.Values[metric]
			add(b.at, value, found)
		}
	}
	return points
}

// labelled is series for a labelled metric. The whole label set must match. The long
// store has no labelled metrics.
func (s store) labelled(metric schema.MetricName, labels map[string]string, of schema.Entity, times int, start, end time.Time) []wire.Point {
	var points []wire.Point
	for _, b := range s.short {
		set := b.of[of]
		if set == nil || b.at.Before(start) || b.at.After(end) {
			continue
		}
		for range times {
			for _, l := range set.Labelled {
				if l.Metric == metric && maps.Equal(l.Labels, labels) {
					points = append(points, wire.Point{At: b.at, Value: l.Value})
				}
			}
		}
	}
	return points
}

// metrics returns the names of the entity's metrics without labels in any batch of
// the short store.
func (s store) metrics(of schema.Entity) map[schema.MetricName]bool {
	names := make(map[schema.MetricName]bool)
	for _, b := range s.short {
		if set := b.of[of]; set != nil {
			for name := range set.Values {
				names[name] = true
			}
		}
	}
	return names
}

package lake

import (
	"context"
	"iter"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// usualLookBack is how long before a window its series are read at first, to find the
// sample before the first one of each.
const usualLookBack = 24 * time.Hour

// seriesKey is a series of a metric.
type seriesKey struct {
	cluster string
	entity  schema.Entity
	metric  schema.MetricName
}

// Grown is [Samples.Series] of raw samples with more of them: of each series, also the
// last sample before the window, from which a counter grew. It is in the lake or in the
// archive, however old it is. Other samples of the day before the window come, too. A
// series of born has none before the window, which saves the search.
func (s *Samples) Grown(ctx context.Context, selection archive.Selection, born func(cluster string, e schema.Entity) bool) iter.Seq2[*archive.Series, error] {
	return func(yield func(*archive.Series, error) bool) {
		g := growth{ctx: ctx, Samples: s, selection: selection, rootless: make(map[seriesKey]bool)}
		begin := selection.Window.From
		g.selection.Window.From = max(begin.Add(-usualLookBack), 1)
		for one, err := range s.Series(ctx, g.selection) {
			if err != nil {
				yield(nil, err)
				return
			}
			of := *one
			older, wanted := make([]bool, len(one.Columns)), make([]bool, len(one.Columns))
			of.Samples = func(yield func(archive.Sample) bool) {
				for sample := range one.Samples {
					older[sample.Column] = older[sample.Column] || sample.At < begin
					wanted[sample.Column] = wanted[sample.Column] || sample.At >= begin
					if !yield(sample) {
						return
					}
				}
			}
			if !yield(&of, nil) {
				return
			}
			for i, c := range one.Columns {
				if wanted[i] && !older[i] && !born(one.Cluster, one.Entity) {
					g.rootless[seriesKey{one.Cluster, one.Entity, c.Metric}] = true
				}
			}
		}
		if err := g.search(func(one *archive.Series) bool { return yield(one, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// growth looks for the last sample of series before a window.
type growth struct {
	*Samples
	ctx       context.Context
	selection archive.Selection
	rootless  map[seriesKey]bool // series without such a sample yet
}

// search yields the last sample of each rootless series before the selection's window. It
// reads a day at a time, the newest first.
func (g *growth) search(yield func(*archive.Series) bool) error {
	days, err := g.lake.partitions(func(p partition) bool {
		return len(g.selection.Clusters) == 0 || schema.MatchesAny(g.selection.Clusters, p.cluster)
	})
	if err != nil {
		return g.lake.explainRead(err)
	}
	for end := g.selection.Window.From; len(g.rootless) > 0 && end > 1; {
		day, err := g.dayBefore(days, end)
		if err != nil || day == 0 {
			return err
		}
		found, err := g.last(schema.Window{From: max(day, 1), To: end - 1})
		if err != nil {
			return err
		}
		for _, one := range found {
			if !yield(one) {
				return nil
			}
			delete(g.rootless, seriesKey{one.Cluster, one.Entity, one.Columns[0].Metric})
		}
		end = day
	}
	return nil
}

// dayBefore returns the last day before a moment that may have samples, 0 if there is
// none: the day before it if the archive has older rows, else one that the lake has, or
// must have.
func (g *growth) dayBefore(days []partition, end schema.Instant) (day schema.Instant, err error) {
	older := g.selection
	older.Window = schema.Window{From: 1, To: end - 1}
	for _, err := range g.Archive.Series(g.ctx, older) {
		return archive.Daily.Begin(end - 1), err
	}
	for _, p := range days {
		if p.day < end {
			day = max(day, p.day)
		}
	}
	for _, s := range g.Noted {
		if s.From < end && (len(older.Clusters) == 0 || schema.MatchesAny(older.Clusters, s.Cluster)) {
			day = max(day, archive.Daily.Begin(min(s.Until, end)-1))
		}
	}
	return day, nil
}

// last returns the last sample of each rootless series that has one in the window.
func (g *growth) last(w schema.Window) (found []*archive.Series, err error) {
	within := g.selection
	within.Window = w
	for one, err := range g.Series(g.ctx, within) {
		if err != nil {
			return nil, err
		}
		last := make([]archive.Sample, len(one.Columns))
		for sample := range one.Samples {
			if sample.At >= last[sample.Column].At {
				last[sample.Column] = sample
			}
		}
		for i, c := range one.Columns {
			if last[i].At != 0 && g.rootless[seriesKey{one.Cluster, one.Entity, c.Metric}] {
				last[i].Column = 0
				found = append(found, &archive.Series{Cluster: one.Cluster, Entity: one.Entity, Columns: one.Columns[i : i+1], Samples: slices.Values(last[i : i+1])})
			}
		}
	}
	return found, nil
}

package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// Difference says how a piece of the target differs from the source's.
type Difference struct {
	Cluster string         `json:"cluster"`
	Kind    schema.Kind    `json:"kind"`
	Day     schema.Instant `json:"day"`
	Missing int            `json:"missing"` // samples that the target does not have
	Other   int            `json:"other"`   // samples that it has with another value
	More    int            `json:"more"`    // samples that only the target has
}

// String spells the difference.
func (d Difference) String() string {
	return fmt.Sprintf("%s, %v of %s: %d samples are missing, %d have another value, and %d are in the target only",
		d.Cluster, d.Kind, d.Day.Time().Format(time.DateOnly), d.Missing, d.Other, d.More)
}

// verify reads back what was written.
func (c *copying) verify(ctx context.Context) (err error) {
	if len(c.copied) == 0 {
		return nil
	}
	samples, err := c.to.OpenSamples(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, samples.Close()) }()
	pieces := slices.SortedFunc(maps.Keys(c.copied), func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.kind, b.kind))
	})
	for _, p := range pieces {
		c.step("comparing " + p.day.Time().Format(time.DateOnly))
		has, err := p.sum(ctx, samples)
		if err != nil {
			return err
		}
		if want := c.copied[p]; !contains(has, want) {
			if err := c.compare(ctx, p, samples, want, has); err != nil {
				return err
			}
		}
	}
	return nil
}

// contains reports whether a piece has the same samples of the clusters.
func contains(has, want digests) bool {
	for cluster, d := range want {
		if has[cluster] != d {
			return false
		}
	}
	return true
}

// dayOfTarget returns the digests of the target's pieces of a day.
func (c *copying) dayOfTarget(ctx context.Context, at schema.Instant) (day map[schema.Kind]digests, err error) {
	samples, err := c.to.OpenSamples(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, samples.Close()) }()
	day = make(map[schema.Kind]digests)
	for _, kind := range schema.Kinds() {
		if day[kind], err = (piece{at, kind}).sum(ctx, samples); err != nil {
			return nil, err
		}
	}
	return day, nil
}

// compare compares a piece sample by sample, an entity at a time, and reports how it
// differs.
func (c *copying) compare(ctx context.Context, p piece, samples archive.Samples, want, has digests) error {
	all := make(map[string]*Difference)
	for cluster := range want {
		all[cluster] = &Difference{Cluster: cluster, Kind: p.kind, Day: p.day}
	}
	for series, err := range c.from.Series(ctx, p.selection()) {
		if err != nil {
			return err
		}
		theirs, err := cellsOf(ctx, samples, p, series)
		if err != nil {
			return err
		}
		d := all[series.Cluster]
		for s := range series.Samples {
			switch value, ok := theirs[cell{series.Columns[s.Column].Metric, s.At}]; {
			case !ok:
				d.Missing++
			case valueBits(value) != valueBits(s.Value):
				d.Other++
			}
		}
	}
	for _, cluster := range slices.Sorted(maps.Keys(all)) {
		d := all[cluster]
		d.More = int(has[cluster].count) - int(want[cluster].count) + d.Missing
		if *d != (Difference{Cluster: cluster, Kind: p.kind, Day: p.day}) {
			c.report.Differences = append(c.report.Differences, *d)
		}
	}
	return nil
}

// cell is a sample of an entity.
type cell struct {
	metric schema.MetricName
	at     schema.Instant
}

// cellsOf returns an entity's samples of a piece.
func cellsOf(ctx context.Context, from archive.Samples, p piece, of *archive.Series) (map[cell]schema.Value, error) {
	s := p.selection()
	e := of.Entity
	only := func(name string) []string {
		if name == "" {
			return nil
		}
		return []string{schema.Verbatim(name)}
	}
	s.Filter = archive.Filter{Clusters: only(of.Cluster), Namespaces: only(e.Namespace), Pods: only(e.Pod), Containers: only(e.Container), Nodes: only(e.Node)}
	cells := make(map[cell]schema.Value)
	for series, err := range from.Series(ctx, s) {
		if err != nil {
			return nil, err
		}
		for sample := range series.Samples {
			if series.Entity == e {
				cells[cell{series.Columns[sample.Column].Metric, sample.At}] = sample.Value
			}
		}
	}
	return cells, nil
}

package collect

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"heapstash/archive"
	"heapstash/schema"
)

// discoverNames looks for metrics that are not asked for of every entity, as
// those outside the registry: of every entity of the kinds that was not asked
// before, and of the others in turn, within the bound. It returns those that
// were not known.
func (p *pass) discoverNames(ctx context.Context, found discovery, kinds []schema.Kind) (map[schema.Entity][]schema.MetricName, error) {
	asked := p.nameTurn(found, kinds)
	names := make([][]schema.MetricName, len(asked))
	errs := make([]error, len(asked))
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, e := range asked {
		if isContainer(e.Kind) && p.overBudget() {
			break // its turn comes
		}
		group.Go(func() error {
			names[i], errs[i] = p.rareNames(ctx, e)
			return nil
		})
	}
	group.Wait() // its functions return no error
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	carried := make(map[schema.Entity][]schema.MetricName)
	failed := -1
	for i, e := range asked {
		if errs[i] != nil && archive.CauseOf(errs[i]) != archive.CauseUnaddressable && failed < 0 {
			failed = i
		}
		for _, m := range names[i] {
			if !slices.Contains(p.memory.Carried[e], m) {
				carried[e] = append(carried[e], m)
			}
		}
	}
	if failed >= 0 {
		h := holeOf(asked[failed], errs[failed])
		h.Detail = "metric names: " + h.Detail
		p.hole(h)
	}
	return carried, nil
}

// rareNames lists the entity's metrics that not every one is asked for. Each is
// a request at every pass, and counts as a sample.
func (p *pass) rareNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error) {
	if err := p.full(); err != nil {
		return nil, err
	}
	names, err := p.source.MetricNames(ctx, e)
	names = slices.DeleteFunc(names, func(m schema.MetricName) bool { return isCommon(e.Kind, m) })
	if err == nil {
		err = p.take(len(names))
	}
	if err != nil {
		return nil, err
	}
	return names, nil
}

// isCommon reports whether the metric is asked for of every entity of the kind.
func isCommon(kind schema.Kind, m schema.MetricName) bool {
	metric, ok := schema.Lookup(m)
	return ok && metric.On(kind) && !metric.Rare
}

// nameTurn chooses whom to ask for metric names. The turn follows Heapster's
// clock, so that it needs no memory.
func (p *pass) nameTurn(found discovery, kinds []schema.Kind) []schema.Entity {
	var fresh, known []schema.Entity
	for _, e := range found.listed {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		if _, ok := p.memory.Entities[e]; ok {
			known = append(known, e)
		} else {
			fresh = append(fresh, e)
		}
	}
	turn := fresh
	if room := p.NameRequests - len(fresh); room >= len(known) {
		turn = append(turn, known...)
	} else if room > 0 {
		first := int(int64(p.record.Horizon) / 60 * int64(room) % int64(len(known)))
		for i := range room {
			turn = append(turn, known[(first+i)%len(known)])
		}
	}
	return turn
}

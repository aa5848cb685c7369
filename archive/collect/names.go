package collect

import (
	"context"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// discoverNames looks for metrics that not every entity is asked for, such as
// those outside the registry. It asks every new entity of the kinds, and the
// others in turn, up to the bound. It returns the metrics that were not known.
func (p *pass) discoverNames(ctx context.Context, found discovery, kinds []schema.Kind) (map[schema.Entity][]schema.MetricName, error) {
	chosen := p.chooseForNames(found, kinds)
	names := make([][]schema.MetricName, len(chosen))
	errs := p.concurrently(len(chosen), func(i int) (err error) {
		if isContainer(chosen[i].Kind) && p.overBudget() {
			return nil // a later pass asks
		}
		names[i], err = p.rareNames(ctx, chosen[i])
		return err
	})
	if err := cancelled(ctx); err != nil {
		return nil, err
	}
	carried := make(map[schema.Entity][]schema.MetricName)
	for i, e := range chosen {
		for _, m := range names[i] {
			if !slices.Contains(p.memory.Carried[e], m) {
				carried[e] = append(carried[e], m)
			}
		}
	}
	failed := slices.IndexFunc(errs, func(err error) bool { return err != nil && causeOf(err) != archive.CauseUnaddressable })
	if failed >= 0 {
		h := p.holeOf(chosen[failed], errs[failed])
		h.Detail = "metric names: " + h.Detail
		p.hole(h)
	}
	return carried, nil
}

// rareNames lists the entity's metrics that not every entity is asked for. Each of
// them costs a request at every pass, and so it counts as a sample.
func (p *pass) rareNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error) {
	if err := p.take(0); err != nil {
		return nil, err
	}
	names, err := p.source.MetricNames(ctx, e)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(m schema.MetricName) bool { return schema.IsCommon(e.Kind, m) })
	if err := p.take(len(names)); err != nil {
		return nil, err
	}
	return names, nil
}

// chooseForNames chooses the entities to ask for their metrics' names. The order
// follows Heapster's clock, so that nothing is stored for it.
func (p *pass) chooseForNames(found discovery, kinds []schema.Kind) []schema.Entity {
	var chosen, known []schema.Entity
	for _, e := range found.listed {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		if _, ok := p.memory.Entities[e]; ok {
			known = append(known, e)
		} else {
			chosen = append(chosen, e)
		}
	}
	if room := p.NameRequests - len(chosen); room >= len(known) {
		chosen = append(chosen, known...)
	} else if room > 0 {
		first := int(int64(p.record.Horizon) / 60 * int64(room) % int64(len(known)))
		for i := range room {
			chosen = append(chosen, known[(first+i)%len(known)])
		}
	}
	return chosen
}

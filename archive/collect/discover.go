package collect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"heapstash/schema"
)

// discovery is what there is to ask for.
type discovery struct {
	nodes    []string              // every node listed, wanted or not
	listed   []schema.Entity       // wanted and in Heapster's latest batch
	gone     []schema.Entity       // wanted, seen lately, and not listed any more
	appeared []schema.Entity       // listed, and not at the last pass
	unheard  map[schema.Scope]bool // scopes whose list could not be read
	vanished map[schema.Entity]schema.Instant
}

// discover lists what Heapster has, and what it had until lately: an entity
// that ended is in no list, yet its last samples are still to be had.
func (p *pass) discover(ctx context.Context) (discovery, error) {
	found := discovery{
		unheard:  make(map[schema.Scope]bool),
		vanished: make(map[schema.Entity]schema.Instant),
	}
	entities, err := p.list(ctx, &found)
	if err != nil {
		return discovery{}, err
	}
	slices.SortFunc(entities, compareEntities)
	listed := make(map[schema.Entity]bool, len(entities))
	for _, e := range slices.Compact(entities) {
		if e.Kind == schema.Node {
			found.nodes = append(found.nodes, e.Node)
		}
		// Nodes are remembered even if they are not wanted: they tell the
		// cluster from another one.
		if !p.wants(e) && e.Kind != schema.Node {
			continue
		}
		listed[e] = true
		if lastSeen, known := p.memory.Entities[e]; !known || lastSeen != 0 {
			found.appeared = append(found.appeared, e)
		}
		if p.wants(e) {
			found.listed = append(found.listed, e)
		}
	}
	if len(entities) == 0 {
		return found, nil // Heapster has no batch yet: that says nothing of anybody
	}
	for e, lastSeen := range p.memory.Entities {
		if listed[e] || e.Kind == schema.Cluster || e.Labels != "" {
			continue
		}
		if lastSeen == 0 && !found.unheard[e.Scope()] {
			found.vanished[e] = p.memory.Horizon
		}
		// However long ago the last pass was, what it listed may have ended
		// only now.
		if p.wants(e) && (lastSeen == 0 || p.seen().Sub(lastSeen) <= afterlife) {
			found.gone = append(found.gone, e)
		}
	}
	slices.SortFunc(found.gone, compareEntities)
	return found, nil
}

// afterlife is how long a vanished entity is asked for: until Heapster has
// evicted its long metrics, and two minutes for a batch that comes late.
const afterlife = longRetention + 2*time.Minute

// list returns every entity of Heapster's latest batch, in one call where
// that is allowed.
func (p *pass) list(ctx context.Context, found *discovery) ([]schema.Entity, error) {
	entities, unknown, err := p.source.AllKeys(ctx)
	if err == nil {
		if len(unknown) > 0 {
			p.Log.Info("keys of an unknown form", "count", len(unknown), "first", unknown[0])
		}
		return entities, nil
	}
	if ctx.Err() != nil || errors.Is(err, schema.ErrUnreachable) {
		return nil, err
	}
	p.hole(schema.Hole{Cause: schema.CauseAllKeys, Detail: "debug/allkeys: " + err.Error(), Lasting: true})
	return p.listOneByOne(ctx, found)
}

// listOneByOne does without debug/allkeys. A namespace whose pods cannot be
// listed is a hole, and its pods stay as they were.
func (p *pass) listOneByOne(ctx context.Context, found *discovery) ([]schema.Entity, error) {
	nodes, err := p.source.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	namespaces, err := p.source.Namespaces(ctx)
	if err != nil {
		return nil, err
	}
	var entities []schema.Entity
	for _, name := range nodes {
		entities = append(entities, schema.NodeEntity(name))
	}
	pods := make([][]string, len(namespaces))
	errs := make([]error, len(namespaces))
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, name := range namespaces {
		entities = append(entities, schema.NamespaceEntity(name))
		if p.wants(schema.PodEntity(name, "any")) {
			group.Go(func() error {
				pods[i], errs[i] = p.source.Pods(ctx, name)
				return nil
			})
		}
	}
	group.Wait() // its functions return no error
	for i, name := range namespaces {
		for _, pod := range pods[i] {
			entities = append(entities, schema.PodEntity(name, pod))
		}
		if errs[i] != nil {
			scope := schema.Entity{Kind: schema.Pod, Namespace: name}
			found.unheard[scope.Scope()] = true
			p.hole(schema.Hole{Entity: scope, Cause: schema.CauseOf(errs[i]), Detail: errs[i].Error()})
		}
	}
	return entities, ctx.Err()
}

// discoverNames looks for metrics outside the registry: of every entity that
// was not asked before, and of the others in turn, within the bound. It
// returns those that were not known.
func (p *pass) discoverNames(ctx context.Context, found discovery) (map[schema.Entity][]schema.MetricName, error) {
	asked := p.nameTurn(found)
	names := make([][]schema.MetricName, len(asked))
	errs := make([]error, len(asked))
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, e := range asked {
		group.Go(func() error {
			names[i], errs[i] = p.source.MetricNames(ctx, e)
			return nil
		})
	}
	group.Wait() // its functions return no error
	carried := make(map[schema.Entity][]schema.MetricName)
	for i, e := range asked {
		known := p.memory.Carried[e]
		for _, m := range names[i] {
			if metric, ok := schema.Lookup(m); ok && metric.On(e.Kind) {
				continue
			}
			if !slices.Contains(known, m) {
				carried[e] = append(carried[e], m)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		failed := slices.IndexFunc(errs, func(err error) bool { return err != nil })
		p.hole(schema.Hole{
			Entity: asked[failed],
			Cause:  schema.CauseOf(errs[failed]),
			Detail: "metric names: " + errs[failed].Error(),
		})
	}
	return carried, ctx.Err()
}

// nameTurn chooses whom to ask for metric names. The turn follows Heapster's
// clock, so that it needs no memory.
func (p *pass) nameTurn(found discovery) []schema.Entity {
	var fresh, known []schema.Entity
	for _, e := range found.listed {
		if e.Kind == schema.Cluster {
			continue // readCluster asks it at every pass
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

func compareEntities(a, b schema.Entity) int {
	if a.Kind != b.Kind {
		return int(a.Kind) - int(b.Kind)
	}
	for _, names := range [][2]string{
		{a.Namespace, b.Namespace}, {a.Node, b.Node}, {a.Pod, b.Pod},
		{a.Container, b.Container}, {a.Labels, b.Labels},
	} {
		if c := strings.Compare(names[0], names[1]); c != 0 {
			return c
		}
	}
	return 0
}

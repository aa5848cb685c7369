package collect

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"heapstash/archive"
	"heapstash/schema"
)

// discovery is what there is to ask for.
type discovery struct {
	nodes    []string                // every node listed, wanted or not
	homes    map[exportName][]string // the namespaces that list a pod or container of that name, wanted or not
	whole    bool                    // homes has every container, wanted or not
	listed   []schema.Entity         // wanted and in Heapster's latest batch
	gone     []schema.Entity         // wanted, seen lately, and not listed any more
	appeared []schema.Entity         // listed, and not at the last pass
	vanished map[schema.Entity]schema.Instant
	present  map[schema.Entity]bool // listed, and nodes that are not wanted
	unheard  map[schema.Scope]bool  // scopes whose list could not be read
}

// discover lists what Heapster has, and what it had until lately: an entity
// that ended is in no list, yet its last samples are still to be had.
func (p *pass) discover(ctx context.Context) (discovery, error) {
	found := discovery{
		homes:    make(map[exportName][]string),
		vanished: make(map[schema.Entity]schema.Instant),
		present:  make(map[schema.Entity]bool),
		unheard:  make(map[schema.Scope]bool),
	}
	entities, err := p.list(ctx, &found)
	if err != nil {
		return discovery{}, err
	}
	for _, e := range found.house(entities) {
		if e.Kind == schema.Node {
			found.nodes = append(found.nodes, e.Node)
		}
		// Nodes are remembered even if they are not wanted: they tell the
		// cluster from another one.
		if !p.wants(e) && e.Kind != schema.Node {
			continue
		}
		found.present[e] = true
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
		if found.present[e] || e.Kind == schema.Cluster || e.Labels != "" {
			continue
		}
		if lastSeen == 0 && !found.unheard[e.Scope()] {
			found.vanished[e] = p.memory.Horizon
		}
		if lastSeen > p.seen() || found.vanished[e] > p.seen() {
			found.vanished[e] = p.seen() // the clock was set back meanwhile
		}
		// However long ago the last pass was, what it listed may have ended
		// only now.
		if p.wants(e) && (lastSeen == 0 || !p.attentive() || p.seen().Sub(lastSeen) <= afterlife) {
			found.gone = append(found.gone, e)
		}
	}
	slices.SortFunc(found.gone, compareEntities)
	return found, nil
}

// house notes the namespaces that list each name, and returns the entities
// sorted, each once.
func (d *discovery) house(entities []schema.Entity) []schema.Entity {
	slices.SortFunc(entities, compareEntities)
	entities = slices.Compact(entities)
	for _, e := range entities {
		if e.Kind == schema.Pod || e.Kind == schema.Container {
			d.homes[nameOf(e)] = append(d.homes[nameOf(e)], e.Namespace)
		}
	}
	return entities
}

// isShared reports whether several namespaces may have the entity's name.
func (d *discovery) isShared(e schema.Entity) bool {
	return len(d.homes[nameOf(e)]) > 1 || len(d.unheard) > 0
}

// add lists an entity that the lists did not show.
func (d *discovery) add(e schema.Entity, memory archive.Memory) {
	if d.present[e] {
		return
	}
	d.present[e] = true
	d.listed = append(d.listed, e)
	d.gone = slices.DeleteFunc(d.gone, func(gone schema.Entity) bool { return gone == e })
	if lastSeen, known := memory.Entities[e]; !known || lastSeen != 0 {
		d.appeared = append(d.appeared, e)
	}
}

// afterlife is how long a vanished entity is asked for: until Heapster has
// evicted its long metrics, and two minutes for a batch that comes late.
const afterlife = schema.LongRetention + 2*time.Minute

// list returns every entity of Heapster's latest batch, in one call where
// that is allowed.
func (p *pass) list(ctx context.Context, found *discovery) ([]schema.Entity, error) {
	entities, unknown, err := p.source.AllKeys(ctx)
	if err == nil {
		if len(unknown) > 0 {
			p.Log.Info("keys of an unknown form", "count", len(unknown), "first", unknown[0])
		}
		found.whole = true
		return entities, p.checkEntities(len(entities))
	}
	var beyond *schema.LimitError
	if ctx.Err() != nil || errors.Is(err, schema.ErrUnreachable) || errors.Is(err, schema.ErrBudget) || errors.As(err, &beyond) {
		return nil, err
	}
	p.hole(archive.Hole{Cause: archive.CauseAllKeys, Detail: "debug/allkeys: " + err.Error(), Lasting: true})
	return p.listOneByOne(ctx, found)
}

// listOneByOne does without debug/allkeys. A namespace whose pods cannot be
// listed is a hole, and its pods stay as they were.
//
// Pods of namespaces that are not wanted are listed too: metric-export shows
// them, and names no namespace.
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
	if err := p.checkEntities(len(nodes) + len(namespaces)); err != nil {
		return nil, err
	}
	pods := make([][]string, len(namespaces))
	errs := make([]error, len(namespaces))
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, name := range namespaces {
		entities = append(entities, schema.NamespaceEntity(name))
		if p.asksWithinPods() {
			group.Go(func() error {
				pods[i], errs[i] = p.source.Pods(ctx, name)
				return nil
			})
		}
	}
	group.Wait() // its functions return no error
	for i, name := range namespaces {
		if err := p.checkEntities(len(entities) + len(pods[i])); err != nil {
			return nil, err
		}
		for _, pod := range pods[i] {
			entities = append(entities, schema.PodEntity(name, pod))
		}
		if errs[i] != nil {
			scope := schema.Entity{Kind: schema.Pod, Namespace: name}
			found.unheard[scope.Scope()] = true
			h := holeOf(scope, errs[i])
			h.Lasting = !p.wantsNamespace(name)
			p.hole(h)
		}
	}
	entities = slices.Concat(entities, p.listContainers(ctx, found, entities))
	return entities, cmp.Or(ctx.Err(), p.checkEntities(len(entities)))
}

// listContainers lists the containers of the pods and nodes given. Heapster
// looks through all that it has for each of these lists.
func (p *pass) listContainers(ctx context.Context, found *discovery, owners []schema.Entity) []schema.Entity {
	lists := make([][]schema.Entity, len(owners))
	errs := make([]error, len(owners))
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i, owner := range owners {
		group.Go(func() error {
			lists[i], errs[i] = p.containersOf(ctx, owner)
			return nil
		})
	}
	group.Wait() // its functions return no error
	for i, err := range errs {
		if err == nil {
			continue
		}
		kind := schema.Container
		if owners[i].Kind == schema.Node {
			kind = schema.SystemContainer
		}
		of := schema.Entity{Kind: kind, Namespace: owners[i].Namespace, Node: owners[i].Node}
		if h := listHole(of, err); !found.unheard[h.Entity.Scope()] {
			p.hole(h)
			found.unheard[h.Entity.Scope()] = true
		}
		found.unheard[of.Scope()] = true
	}
	return slices.Concat(lists...)
}

// listHole is one for all scopes where the lists do not exist.
func listHole(of schema.Entity, err error) archive.Hole {
	h := holeOf(of, err)
	h.Detail = "list of containers: " + h.Detail
	if errors.Is(err, schema.ErrNotFound) {
		h.Entity = schema.Entity{Kind: of.Kind}
		h.Lasting = true
		h.Detail += "; Heapster has it since v1.3"
	}
	return h
}

// containersOf lists a pod's containers or a node's system containers, if
// they are wanted.
func (p *pass) containersOf(ctx context.Context, owner schema.Entity) ([]schema.Entity, error) {
	var list []schema.Entity
	switch {
	case owner.Kind == schema.Pod && p.wants(schema.ContainerEntity(owner.Namespace, owner.Pod, "any")):
		names, err := p.source.Containers(ctx, owner.Namespace, owner.Pod)
		for _, name := range names {
			list = append(list, schema.ContainerEntity(owner.Namespace, owner.Pod, name))
		}
		return list, err
	case owner.Kind == schema.Node && p.wants(schema.SystemContainerEntity(owner.Node, "any")):
		names, err := p.source.SystemContainers(ctx, owner.Node)
		for _, name := range names {
			list = append(list, schema.SystemContainerEntity(owner.Node, name))
		}
		return list, err
	}
	return nil, nil
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

package collect

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"heapstash/archive"
	"heapstash/archive/collect/metricexport"
	"heapstash/archive/collect/plan"
	"heapstash/schema"
)

// discovery is the entities that a pass may ask for.
type discovery struct {
	lists    metricexport.Lists // of every pod and container, wanted or not
	listed   []schema.Entity    // wanted, and in Heapster's latest batch
	recent   []schema.Entity    // wanted, and listed until lately
	appeared []schema.Entity    // listed, and not at the last pass
	vanished map[schema.Entity]schema.Instant
	present  map[schema.Entity]bool // listed, and the nodes that are not wanted
	unread   map[schema.Scope]bool  // scopes whose list could not be read
}

// discover lists what Heapster has, and what it had until lately: no list has an
// entity that ended, but its last samples are still visible.
func (p *pass) discover(ctx context.Context) (discovery, error) {
	found := discovery{
		lists:    metricexport.Lists{Namespaces: make(map[metricexport.Name][]string)},
		vanished: make(map[schema.Entity]schema.Instant),
		present:  make(map[schema.Entity]bool),
		unread:   make(map[schema.Scope]bool),
	}
	entities, err := p.list(ctx, &found)
	if err != nil {
		return discovery{}, err
	}
	for _, e := range found.sort(entities) {
		// Every node is remembered, because nodes distinguish clusters.
		if !p.wants(e) && e.Kind != schema.Node {
			continue
		}
		found.present[e] = true
		if !p.planner.ListedBefore(e) {
			found.appeared = append(found.appeared, e)
		}
		if p.wants(e) {
			found.listed = append(found.listed, e)
		}
	}
	if len(entities) > 0 { // otherwise Heapster has no batch yet
		p.findVanished(&found)
	}
	return found, nil
}

// findVanished finds the entities that are not listed any more.
func (p *pass) findVanished(found *discovery) {
	seen := p.timeline.Seen()
	for e, lastSeen := range p.memory.Entities {
		if found.present[e] || e.Kind == schema.Cluster || e.Labels != "" {
			continue
		}
		if lastSeen == 0 && !found.unread[e.Scope()] {
			found.vanished[e] = p.memory.Horizon
		}
		if lastSeen > seen || found.vanished[e] > seen {
			found.vanished[e] = seen // the clock was set back meanwhile
		}
		if p.wants(e) && p.planner.MayBeVisible(lastSeen, plan.Afterlife) {
			found.recent = append(found.recent, e)
		}
	}
	slices.SortFunc(found.recent, schema.Entity.Compare)
}

// sort adds the entities to the lists, and returns them sorted, each once.
func (d *discovery) sort(entities []schema.Entity) []schema.Entity {
	slices.SortFunc(entities, schema.Entity.Compare)
	entities = slices.Compact(entities)
	for _, e := range entities {
		d.lists.Add(e)
	}
	return entities
}

// add adds an entity that the lists did not show.
func (d *discovery) add(e schema.Entity, memory archive.Memory) {
	if d.present[e] {
		return
	}
	d.present[e] = true
	d.listed = append(d.listed, e)
	d.recent = slices.DeleteFunc(d.recent, func(recent schema.Entity) bool { return recent == e })
	if lastSeen, known := memory.Entities[e]; !known || lastSeen != 0 {
		d.appeared = append(d.appeared, e)
	}
}

// list returns every entity of Heapster's latest batch, with one request if that
// is allowed.
func (p *pass) list(ctx context.Context, found *discovery) ([]schema.Entity, error) {
	entities, unknown, err := p.source.AllKeys(ctx)
	if err == nil {
		if len(unknown) > 0 {
			p.Log.Info("keys of an unknown form", "count", len(unknown), "first", unknown[0])
		}
		found.lists.Whole = true
		return entities, p.checkEntities(len(entities))
	}
	var beyond *schema.LimitError
	if ctx.Err() != nil || errors.Is(err, schema.ErrUnreachable) || errors.As(err, &beyond) {
		return nil, err
	}
	p.hole(archive.Hole{Cause: archive.CauseAllKeys, Detail: "debug/allkeys: " + err.Error(), Lasting: true})
	entities, err = p.listOneByOne(ctx, found)
	for scope := range found.unread {
		if scope.Kind == schema.Pod && scope.Name != "" {
			found.lists.Unread = append(found.lists.Unread, scope.Name)
		}
	}
	slices.Sort(found.lists.Unread)
	return entities, err
}

// listOneByOne lists without debug/allkeys. A namespace whose pods cannot be
// listed is a hole, and its pods are taken for unchanged.
//
// Namespaces that are not wanted are listed too, because metric-export has their
// pods and does not name namespaces.
func (p *pass) listOneByOne(ctx context.Context, found *discovery) ([]schema.Entity, error) {
	nodes, err := p.source.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	namespaces, err := p.source.Namespaces(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.checkEntities(len(nodes) + len(namespaces)); err != nil {
		return nil, err
	}
	var entities []schema.Entity
	for _, name := range nodes {
		entities = append(entities, schema.NodeEntity(name))
	}
	for _, name := range namespaces {
		entities = append(entities, schema.NamespaceEntity(name))
	}
	pods := make([][]string, len(namespaces))
	errs := p.concurrently(len(namespaces), func(i int) (err error) {
		if p.asksWithinPods() {
			pods[i], err = p.source.Pods(ctx, namespaces[i])
		}
		return err
	})
	for i, name := range namespaces {
		if err := p.checkEntities(len(entities) + len(pods[i])); err != nil {
			return nil, err
		}
		for _, pod := range pods[i] {
			entities = append(entities, schema.PodEntity(name, pod))
		}
		if errs[i] != nil {
			e := schema.Entity{Kind: schema.Pod, Namespace: name}
			found.unread[e.Scope()] = true
			h := p.holeOf(e, errs[i])
			h.Lasting = !p.wantsNamespace(name)
			p.hole(h)
		}
	}
	entities = slices.Concat(entities, p.listContainers(ctx, found, entities))
	return entities, cmp.Or(cancelled(ctx), p.checkEntities(len(entities)))
}

// concurrently calls f for 0 to n-1, and returns the errors.
func (p *pass) concurrently(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var group errgroup.Group
	group.SetLimit(p.Concurrency)
	for i := range n {
		group.Go(func() error {
			errs[i] = f(i)
			return nil
		})
	}
	group.Wait() // its functions return no error
	return errs
}

// listContainers lists the containers of the pods and nodes. For each of these
// lists, Heapster searches everything that it has.
func (p *pass) listContainers(ctx context.Context, found *discovery, owners []schema.Entity) []schema.Entity {
	lists := make([][]schema.Entity, len(owners))
	errs := p.concurrently(len(owners), func(i int) (err error) {
		lists[i], err = p.containersOf(ctx, owners[i])
		return err
	})
	for i, err := range errs {
		if err == nil {
			continue
		}
		e := schema.Entity{Kind: schema.Container, Namespace: owners[i].Namespace, Node: owners[i].Node}
		if owners[i].Kind == schema.Node {
			e.Kind = schema.SystemContainer
		}
		if h := p.listHole(e, err); !found.unread[h.Entity.Scope()] {
			p.hole(h)
			found.unread[h.Entity.Scope()] = true
		}
		found.unread[e.Scope()] = true
	}
	return slices.Concat(lists...)
}

// listHole returns the hole of a list of containers: one for all scopes if there
// are no such lists.
func (p *pass) listHole(e schema.Entity, err error) archive.Hole {
	h := p.holeOf(e, err)
	h.Detail = "list of containers: " + h.Detail
	if errors.Is(err, schema.ErrNotFound) {
		h.Entity = schema.Entity{Kind: e.Kind}
		h.Lasting = true
		h.Detail += "; Heapster has it since v1.3"
	}
	return h
}

// containersOf lists a pod's containers or a node's system containers, if they
// are wanted.
func (p *pass) containersOf(ctx context.Context, owner schema.Entity) (list []schema.Entity, err error) {
	var names []string
	container := func(name string) schema.Entity { return schema.ContainerEntity(owner.Namespace, owner.Pod, name) }
	if owner.Kind == schema.Node {
		container = func(name string) schema.Entity { return schema.SystemContainerEntity(owner.Node, name) }
	}
	switch {
	case owner.Kind == schema.Namespace || !p.wants(container("any")):
		return nil, nil
	case owner.Kind == schema.Node:
		names, err = p.source.SystemContainers(ctx, owner.Node)
	default:
		names, err = p.source.Containers(ctx, owner.Namespace, owner.Pod)
	}
	for _, name := range names {
		list = append(list, container(name))
	}
	return list, err
}

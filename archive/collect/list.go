package collect

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"heapstash/archive"
	"heapstash/schema"
)

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
	nodes, err := p.source.List(ctx, schema.Node, schema.ClusterEntity())
	if err != nil {
		return nil, err
	}
	namespaces, err := p.source.List(ctx, schema.Namespace, schema.ClusterEntity())
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
			pods[i], err = p.source.List(ctx, schema.Pod, schema.NamespaceEntity(namespaces[i]))
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
	container := owner
	if container.Kind = schema.Container; owner.Kind == schema.Node {
		container.Kind = schema.SystemContainer
	}
	if owner.Kind == schema.Namespace || !p.wants(container) {
		return nil, nil
	}
	names, err := p.source.List(ctx, container.Kind, owner)
	for _, container.Container = range names {
		list = append(list, container)
	}
	return list, err
}

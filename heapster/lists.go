package heapster

import (
	"context"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// List returns the names of one kind of entity below another entity, in Heapster's
// latest batch, sorted: of the cluster's nodes and namespaces, a namespace's pods, a
// pod's containers, or a node's system containers. An unknown parent has none.
//
// Nodes are listed by their hostnames, and so are the parents of system containers.
// Series are asked for by nodenames, which [Client.AllKeys] has. For each list of
// containers, Heapster searches all that it has, so prefer AllKeys. Before v1.3 there
// are no lists of containers: [schema.ErrNotFound].
func (c *Client) List(ctx context.Context, kind schema.Kind, of schema.Entity) ([]string, error) {
	return get(ctx, c, wire.Route{Page: wire.ListPage, List: kind, Of: of}, wire.Query{}, (*wire.Decoder).Names)
}

// AllKeys returns every entity in Heapster's latest batch, of every kind, with
// one request to debug/allkeys. The spelling of the keys is internal to
// Heapster; unknown are the keys that do not parse.
func (c *Client) AllKeys(ctx context.Context) (entities []schema.Entity, unknown []string, err error) {
	keys, err := get(ctx, c, wire.Route{Page: wire.KeysPage}, wire.Query{}, (*wire.Decoder).Names)
	if err != nil {
		return nil, nil, err
	}
	entities = make([]schema.Entity, 0, len(keys))
	for _, key := range keys {
		e, err := schema.ParseEntity(key)
		if err != nil {
			unknown = append(unknown, key)
			continue
		}
		entities = append(entities, e)
	}
	return entities, unknown, nil
}

// MetricNames returns the names of the entity's metrics without labels in the
// last 140 seconds, sorted. An unknown entity has none.
func (c *Client) MetricNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error) {
	return get(ctx, c, wire.Route{Page: wire.NamesPage, Of: e}, wire.Query{}, (*wire.Decoder).MetricNames)
}

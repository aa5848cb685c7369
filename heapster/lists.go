package heapster

import (
	"context"

	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Nodes returns the names of the nodes in Heapster's latest batch, sorted.
// They are hostnames where they differ from nodenames, by which series are
// asked for: [Client.AllKeys] has the latter.
func (c *Client) Nodes(ctx context.Context) ([]string, error) {
	return c.list(ctx, schema.Node, schema.ClusterEntity())
}

// Namespaces returns the namespaces in Heapster's latest batch, sorted.
func (c *Client) Namespaces(ctx context.Context) ([]string, error) {
	return c.list(ctx, schema.Namespace, schema.ClusterEntity())
}

// Pods returns the namespace's pods in Heapster's latest batch, sorted. An
// unknown namespace has none.
func (c *Client) Pods(ctx context.Context, namespace string) ([]string, error) {
	return c.list(ctx, schema.Pod, schema.NamespaceEntity(namespace))
}

// Containers returns the names of the pod's containers in Heapster's latest
// batch, sorted. Heapster searches all that it has for each such list, so
// prefer [Client.AllKeys]. Before v1.3 there is none: [schema.ErrNotFound].
func (c *Client) Containers(ctx context.Context, namespace, pod string) ([]string, error) {
	return c.list(ctx, schema.Container, schema.PodEntity(namespace, pod))
}

// SystemContainers returns the names of a node's containers outside every pod,
// sorted. It takes the hostname, where that differs from the nodename.
func (c *Client) SystemContainers(ctx context.Context, node string) ([]string, error) {
	return c.list(ctx, schema.SystemContainer, schema.NodeEntity(node))
}

func (c *Client) list(ctx context.Context, kind schema.Kind, of schema.Entity) ([]string, error) {
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

package heapster

import (
	"context"

	"heapstash/schema"
)

// Containers returns the names of the pod's containers in Heapster's latest
// batch, sorted. Heapster looks through all that it has for each such list, so
// prefer [Client.AllKeys]. Before v1.3 there is none: [schema.ErrNotFound].
func (c *Client) Containers(ctx context.Context, namespace, pod string) ([]string, error) {
	path, err := entityPath(schema.PodEntity(namespace, pod))
	if err != nil {
		return nil, err
	}
	return fetchJSON(ctx, c, c.base+model+path+"/containers/", decodeNames[string])
}

// SystemContainers does the same for the containers of a node that are in no
// pod. It wants the hostname, where that differs from the nodename.
func (c *Client) SystemContainers(ctx context.Context, node string) ([]string, error) {
	path, err := entityPath(schema.NodeEntity(node))
	if err != nil {
		return nil, err
	}
	return fetchJSON(ctx, c, c.base+model+path+"/freecontainers/", decodeNames[string])
}

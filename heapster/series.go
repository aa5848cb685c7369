package heapster

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"heapstash/schema"
)

// Nodes returns the names of the nodes in Heapster's latest batch, sorted.
// They are hostnames where they differ from nodenames, which series go by:
// [Client.AllKeys] has the latter.
func (c *Client) Nodes(ctx context.Context) ([]string, error) {
	return fetchJSON(ctx, c, c.base+model+"/nodes/", decodeNames[string])
}

// Namespaces returns the namespaces in Heapster's latest batch, sorted.
func (c *Client) Namespaces(ctx context.Context) ([]string, error) {
	return fetchJSON(ctx, c, c.base+model+"/namespaces/", decodeNames[string])
}

// Pods returns the namespace's pods in Heapster's latest batch, sorted. An
// unknown namespace has none.
func (c *Client) Pods(ctx context.Context, namespace string) ([]string, error) {
	path, err := entityPath(schema.NamespaceEntity(namespace))
	if err != nil {
		return nil, err
	}
	return fetchJSON(ctx, c, c.base+model+path+"/pods/", decodeNames[string])
}

// AllKeys returns every entity in Heapster's latest batch, of every kind, with
// one request to debug/allkeys. The keys' spelling is internal to Heapster;
// those that do not parse are returned as they are.
func (c *Client) AllKeys(ctx context.Context) (entities []schema.Entity, unknown []string, err error) {
	keys, err := fetchJSON(ctx, c, c.base+model+"/debug/allkeys", decodeNames[string])
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

// MetricNames returns the names of the entity's metrics, sorted: those of the
// last 140 seconds that have no labels. An unknown entity has none.
func (c *Client) MetricNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error) {
	path, err := entityPath(e)
	if err != nil {
		return nil, err
	}
	return fetchJSON(ctx, c, c.base+model+path+"/metrics/", decodeMetricNames)
}

// Series returns the points of one metric of one entity from start on, start
// included; with None, all that Heapster has. A labelled series is asked for
// by e.Labels, which have to be whole and exact.
//
// The points are in the order of the answer: neither sorted nor always
// distinct. An unknown entity or metric has none, and is no error.
func (c *Client) Series(ctx context.Context, e schema.Entity, m schema.MetricName, start schema.Instant) ([]schema.Point, error) {
	target, err := c.seriesURL(e, m, start)
	if err != nil {
		return nil, err
	}
	return fetchJSON(ctx, c, target, decodeSeries)
}

// PodSeries is [Client.Series] for one metric of several pods in one request;
// the result's i-th element belongs to pods[i]. The pods have to be distinct,
// and few enough for one URL, which is what [Client.SplitPods] sees to.
func (c *Client) PodSeries(ctx context.Context, namespace string, pods []string, m schema.MetricName, start schema.Instant) ([][]schema.Point, error) {
	if len(pods) == 0 {
		return nil, nil
	}
	if _, err := c.checkedPodsURL(namespace, pods, m, start); err != nil {
		return nil, err
	}
	word, _ := filteredIn("/" + pods[0])
	if word == "" || !c.padding.Load() {
		items, err := fetchJSON(ctx, c, c.podsURL(namespace, pods, m, start), decodeItems(len(pods)))
		status, refused := errors.AsType[*StatusError](err)
		if word == "" || !refused || !status.fromKubectlProxy() {
			return items, err
		}
	}
	padded := append([]string{nobody}, pods...)
	items, err := fetchJSON(ctx, c, c.podsURL(namespace, padded, m, start), decodeItems(len(padded)))
	if err != nil {
		return nil, err
	}
	c.padding.Store(true)
	return items[1:], nil
}

// nobody is a name that no pod has. kubectl proxy's filter looks at the first
// name of a list alone, so that this one in front lets a pod named runner-1
// pass. Heapster answers it with an empty item.
const nobody = "-"

// checkedPodsURL refuses what podsURL would spell wrongly or too long, and
// pods named twice: Heapster then doubles the points of both.
func (c *Client) checkedPodsURL(namespace string, pods []string, m schema.MetricName, start schema.Instant) (string, error) {
	if err := errors.Join(checkSegment(namespace), checkMetric(m)); err != nil {
		return "", err
	}
	seen := make(map[string]bool, len(pods))
	for _, pod := range pods {
		if err := checkPod(pod); err != nil {
			return "", err
		}
		if seen[pod] {
			return "", fmt.Errorf("pod %q of namespace %q is asked for twice in one request", pod, namespace)
		}
		seen[pod] = true
	}
	target := c.podsURL(namespace, pods, m, start)
	if len(target) > c.opts.MaxURL {
		return "", &UnaddressableError{
			Name:   pods[0],
			Reason: fmt.Sprintf("the URL for %d pods has %d bytes, and %d are allowed", len(pods), len(target), c.opts.MaxURL),
		}
	}
	return target, nil
}

// Healthz asks Heapster how it is. Heapster itself says 500 when its newest
// batch is more than three minutes old (metrics/heapster.go): a
// [StatusError] that is not the apiserver's. That is an answer, so there is
// one try.
func (c *Client) Healthz(ctx context.Context) error {
	_, err := attempt(ctx, c, c.base+"/healthz", c.opts.Limits.answer(), decodeNothing)
	return cmp.Or(ctx.Err(), err)
}

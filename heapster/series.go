package heapster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"heapstash/heapster/failure"
	"heapstash/heapster/wire"
	"heapstash/schema"
)

// Series returns the points of one metric of one entity from start on, start
// included. The zero start means all points that Heapster has. For a labelled
// series, e.Labels must be whole and exact.
//
// The points are in the order of the answer, which is not sorted and may have
// duplicates. An unknown entity or metric has no points, without an error.
func (c *Client) Series(ctx context.Context, e schema.Entity, m schema.MetricName, start schema.Instant) ([]schema.Point, error) {
	query, err := wire.NewQuery(m, e.Labels, start)
	if err != nil {
		return nil, err
	}
	return get(ctx, c, wire.Route{Page: wire.SeriesPage, Of: e, Metric: m}, query, (*wire.Decoder).Series)
}

// PodSeries is [Client.Series] for one metric of several pods in one request. The
// i-th element of the result belongs to pods[i]. The pods must be distinct, and few
// enough for one URL: see [Client.SplitPods].
func (c *Client) PodSeries(ctx context.Context, namespace string, pods []string, m schema.MetricName, start schema.Instant) ([][]schema.Point, error) {
	if len(pods) == 0 {
		return nil, nil
	}
	query := wire.Query{Start: start.Time()}
	route, err := c.podsRoute(namespace, pods, m, query)
	if err != nil {
		return nil, err
	}
	word, _ := failure.FilteredIn("/" + pods[0])
	if word == "" || !c.padding.Load() {
		items, err := get(ctx, c, route, query, wire.PodSeries(len(pods)))
		status, refused := errors.AsType[*failure.StatusError](err)
		if word == "" || !refused || !status.FromKubectlProxy() {
			return items, err
		}
	}
	route.Pods = append([]string{failure.Padding}, pods...)
	items, err := get(ctx, c, route, query, wire.PodSeries(len(route.Pods)))
	if err != nil {
		return nil, err
	}
	c.padding.Store(true)
	return items[1:], nil
}

// podsRoute refuses a URL that is too long, and a pod that is named twice: Heapster
// would double its points.
func (c *Client) podsRoute(namespace string, pods []string, m schema.MetricName, query wire.Query) (wire.Route, error) {
	route := wire.Route{Page: wire.PodListPage, Of: schema.NamespaceEntity(namespace), Pods: pods, Metric: m}
	path, err := route.Path()
	if err != nil {
		return route, err
	}
	seen := make(map[string]bool, len(pods))
	for _, pod := range pods {
		if seen[pod] {
			return route, fmt.Errorf("pod %q of namespace %q is twice in one request", pod, namespace)
		}
		seen[pod] = true
	}
	if length := len(c.base + path + query.String()); length > c.opts.MaxURL {
		return route, &wire.UnaddressableError{
			Name:   pods[0],
			Reason: fmt.Sprintf("the URL for %d pods has %d bytes, and %d are allowed", len(pods), length, c.opts.MaxURL),
		}
	}
	return route, nil
}

// SplitPods cuts pods into batches for [Client.PodSeries], in order and without
// repetition, so that no URL is longer than Options.MaxURL. A pod that makes the
// URL too long alone is a batch alone.
func (c *Client) SplitPods(namespace string, pods []string, m schema.MetricName) [][]string {
	route := wire.Route{Page: wire.PodListPage, Of: schema.NamespaceEntity(namespace), Metric: m}
	path, _ := route.Path() // PodSeries will return the error
	anyStart := wire.Query{Start: schema.Instant(1).Time()}
	frame := len(c.base + path + anyStart.String()) // all moments have the same length

	seen := make(map[string]bool, len(pods))
	distinct := slices.DeleteFunc(slices.Clone(pods), func(pod string) bool {
		repeated := seen[pod]
		seen[pod] = true
		return repeated
	})

	var batches [][]string
	first, length := 0, frame
	for i, pod := range distinct {
		cost := len(url.PathEscape(pod)) + len(",")
		if i > first && length+cost-len(",") > c.opts.MaxURL {
			batches = append(batches, distinct[first:i])
			first, length = i, frame
		}
		length += cost
	}
	if first < len(distinct) {
		batches = append(batches, distinct[first:])
	}
	return batches
}

// Healthz asks Heapster whether it is well. Heapster answers 500 if its newest batch
// is older than [schema.StaleAge] (metrics/heapster.go). The error is then a
// [failure.StatusError] that is not from an apiserver. There is only one try.
func (c *Client) Healthz(ctx context.Context) error {
	_, err := attempt(ctx, c, c.base+wire.Health, c.opts.Limits.AnswerLength(), skip)
	return cmp.Or(ctx.Err(), err)
}

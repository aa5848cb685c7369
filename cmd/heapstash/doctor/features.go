package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"heapstash/heapster"
	"heapstash/heapster/failure"
	"heapstash/schema"
)

// Features requests each page of Heapster that passes use, and says what is lost without
// the pages that do not answer.
func Features(ctx context.Context, c *heapster.Client) Report {
	var report Report
	listed, finding := allKeys(ctx, c)
	report = append(report, finding)
	if listed == nil {
		listed = somePods(ctx, c)
	}
	report = append(report, podList(ctx, c, listed), containersList(ctx, c, listed))
	sample, finding := metricExport(ctx, c)
	report = append(report, finding, labels(ctx, c, sample))
	return append(report, oddNames(ctx, c))
}

// allKeys checks the request that lists all entities.
func allKeys(ctx context.Context, c *heapster.Client) ([]schema.Entity, Finding) {
	const name = "allkeys"
	entities, unknown, err := c.AllKeys(ctx)
	if err != nil {
		return nil, warning(name, fixPage("/api/v1/model/debug/allkeys", err),
			"debug/allkeys does not answer (%s): entities are found by lists, which takes a request for each namespace, pod and node, "+
				"and gives the hostnames of nodes, which not all series use", why(err))
	}
	if len(unknown) > 0 {
		return entities, warning(name, "is it a Heapster of v1.3 to v1.5? please report the key",
			"debug/allkeys lists %s in a spelling that is not known, such as %q: they are not archived", plural(len(unknown), "key"), unknown[0])
	}
	return entities, ok(name, "debug/allkeys lists %s", countKinds(entities))
}

// countKinds says how many entities of each kind there are.
func countKinds(entities []schema.Entity) string {
	counts := make(map[schema.Kind]int)
	for _, e := range entities {
		counts[e.Kind]++
	}
	var parts []string
	for _, k := range schema.Kinds()[1:] { // there is one cluster
		parts = append(parts, plural(counts[k], strings.ReplaceAll(k.String(), "_", " ")))
	}
	return strings.Join(parts, ", ")
}

// somePods returns a few pods from the lists.
func somePods(ctx context.Context, c *heapster.Client) []schema.Entity {
	namespaces, _ := c.List(ctx, schema.Namespace, schema.ClusterEntity())
	for _, namespace := range namespaces {
		pods, _ := c.List(ctx, schema.Pod, schema.NamespaceEntity(namespace))
		if len(pods) == 0 {
			continue
		}
		entities := make([]schema.Entity, len(pods))
		for i, pod := range pods {
			entities[i] = schema.PodEntity(namespace, pod)
		}
		return entities
	}
	return nil
}

// firstPod returns a pod. If there is none, it returns a name that no pod has: Heapster
// answers for it, too, without points.
func firstPod(entities []schema.Entity) schema.Entity {
	i := slices.IndexFunc(entities, func(e schema.Entity) bool { return e.Kind == schema.Pod })
	if i < 0 {
		return schema.PodEntity("default", "none")
	}
	return entities[i]
}

// podList checks the request for one metric of many pods.
func podList(ctx context.Context, c *heapster.Client, listed []schema.Entity) Finding {
	const name = "pod-list"
	pod := firstPod(listed)
	pods := []string{pod.Pod}
	for _, e := range listed {
		if e.Kind == schema.Pod && e.Namespace == pod.Namespace && e != pod && len(pods) < 10 {
			pods = append(pods, e.Pod)
		}
	}
	if _, err := c.PodSeries(ctx, pod.Namespace, pods, "memory/usage", 0); err != nil {
		return fault(name, fixPage("/api/v1/model/namespaces/*/pod-list", err),
			"pod-list does not answer (%s), and no other request reads pods", why(err))
	}
	return ok(name, "pod-list answers for many pods at once")
}

// containersList checks the list of containers, which Heapster has since v1.3.
func containersList(ctx context.Context, c *heapster.Client, listed []schema.Entity) Finding {
	const name = "containers"
	pod := firstPod(listed)
	_, err := c.List(ctx, schema.Container, pod)
	switch {
	case err == nil:
		return ok(name, "pods list their containers (Heapster v1.3 or later)")
	case errors.Is(err, schema.ErrNotFound):
		return warning(name, "upgrade Heapster to v1.3 or later",
			"pods do not list their containers, so this Heapster is older than v1.3: only debug/allkeys and metric-export list containers, if they answer")
	default:
		return warning(name, schema.HintOf(err), "the list of a pod's containers does not answer: %s", why(err))
	}
}

// oddNames finds a kubectl proxy that rejects paths that look like exec.
func oddNames(ctx context.Context, c *heapster.Client) Finding {
	const name = "names"
	_, err := c.Series(ctx, schema.ContainerEntity("default", "none", "exec"), "memory/usage", 0)
	if err != nil {
		return warning(name, schema.HintOf(err),
			"containers named exec... or attach..., and metrics such as custom/exec_count, are refused on the way: %s", why(err))
	}
	return ok(name, "names that look like exec or attach are let through")
}

// labelled is a labelled series that metric-export shows.
type labelled struct {
	entity schema.Entity
	metric schema.MetricName
}

// metricExport checks the request, and returns a labelled series of a node from it: for other
// entities the namespace may not be known.
func metricExport(ctx context.Context, c *heapster.Client) (*labelled, Finding) {
	const name = "metric-export"
	const lost = "without it pods have no uid, labels and images in the archive, labelled series (file systems, disks, accelerators) " +
		"are not found, and containers cost a request a metric"
	empty := true
	var sample *labelled
	err := c.Export(ctx, func(set schema.Exported) error {
		empty = false
		for _, row := range set.Rows {
			if sample == nil && row.Entity.Kind == schema.Node && row.Entity.Labels != "" && len(row.Readings) > 0 {
				sample = &labelled{row.Entity, row.Readings[0].Metric}
			}
		}
		return nil
	})
	switch {
	case err == nil && empty:
		return nil, ok(name, "metric-export answers, and has nothing yet")
	case err == nil:
		return sample, ok(name, "metric-export answers with the newest batch")
	case errors.Is(err, schema.ErrExportDisabled):
		return nil, warning(name, "start Heapster without --disable_export", "metric-export is disabled: %s", lost)
	default:
		return nil, warning(name, fixPage("/api/v1/metric-export", err), "metric-export does not answer (%s): %s", why(err), lost)
	}
}

// labels checks the request for a labelled series.
func labels(ctx context.Context, c *heapster.Client, sample *labelled) Finding {
	const name = "labels"
	if sample == nil {
		return ok(name, "not asked for: only metric-export says which labels a node's series have, and it shows none")
	}
	points, err := c.Series(ctx, sample.entity, sample.metric, 0)
	what := fmt.Sprintf("%s of %v", sample.metric, sample.entity)
	switch {
	case err != nil:
		return warning(name, schema.HintOf(err), "labelled series do not answer: %s", why(err))
	case len(points) == 0:
		return warning(name, "does a proxy on the way drop the query (?labels=) of URLs?",
			"%s is in metric-export, and has no points when asked for: only the newest batch of labelled series is archived", what)
	default:
		return ok(name, "labelled series answer, such as %s", what)
	}
}

// why returns the text of an error without its URL, which the other findings have.
func why(err error) string {
	var status *failure.StatusError
	if !errors.As(err, &status) {
		return err.Error()
	}
	return strings.TrimPrefix(err.Error(), status.URL+": ")
}

// fixPage says what to do about a page that does not answer while others do.
func fixPage(path string, err error) string {
	if errors.Is(err, schema.ErrNotFound) {
		return "let " + path + " through to Heapster, if a proxy on the way rejects it"
	}
	return schema.HintOf(err)
}

package heapster

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"heapstash/schema"
)

const model = "/api/v1/model"

// UnaddressableError tells that no URL of the model API can name something.
// It wraps [schema.ErrUnaddressable].
type UnaddressableError struct {
	Name   string // the name, such as system.slice/docker.service
	Reason string
}

// Error names the name and the reason.
func (e *UnaddressableError) Error() string {
	return fmt.Sprintf("no URL for %q: %s", e.Name, e.Reason)
}

// Hint is empty: it is Heapster's API that cannot, and nobody here can mend
// that.
func (e *UnaddressableError) Hint() string { return "" }

// Unwrap returns [schema.ErrUnaddressable].
func (e *UnaddressableError) Unwrap() error { return schema.ErrUnaddressable }

// entityPath returns the path of an entity below the model, escaped: empty
// for the cluster, /nodes/n1 for a node.
func entityPath(e schema.Entity) (string, error) {
	switch e.Kind {
	case schema.Cluster:
		return "", nil
	case schema.Node:
		return join("nodes", e.Node)
	case schema.Namespace:
		return join("namespaces", e.Namespace)
	case schema.Pod:
		return join("namespaces", e.Namespace, "pods", e.Pod)
	case schema.Container:
		return join("namespaces", e.Namespace, "pods", e.Pod, "containers", e.Container)
	case schema.SystemContainer:
		return join("nodes", e.Node, "freecontainers", e.Container)
	default:
		return "", &UnaddressableError{Name: e.String(), Reason: "it is of no kind"}
	}
}

// join builds a path of collections and, after each, a name in it.
func join(segments ...string) (string, error) {
	var path strings.Builder
	for _, s := range segments {
		if err := checkSegment(s); err != nil {
			return "", err
		}
		path.WriteByte('/')
		path.WriteString(url.PathEscape(s))
	}
	return path.String(), nil
}

// checkSegment refuses names that would not arrive as they are. The apiserver
// decodes a path, cleans it and encodes it again, so that %2F becomes a slash
// and a dot segment is gone: /docker-daemon would answer for docker-daemon.
func checkSegment(name string) error {
	switch {
	case name == "":
		return &UnaddressableError{Name: name, Reason: "an empty name"}
	case name == "." || name == "..":
		return &UnaddressableError{Name: name, Reason: "a path with it would be shortened on the way"}
	case strings.Contains(name, "/"):
		return &UnaddressableError{Name: name, Reason: "a name with a slash"}
	}
	return nil
}

// checkMetric refuses metric names that would not arrive as they are. Unlike
// other names they may hold slashes.
func checkMetric(m schema.MetricName) error {
	for segment := range strings.SplitSeq(string(m), "/") {
		if checkSegment(segment) != nil {
			return &UnaddressableError{Name: string(m), Reason: "a metric name with an empty or a dot segment"}
		}
	}
	return nil
}

// checkPod refuses pod names that would not stand alone in a pod-list: Heapster
// splits it at commas after decoding it.
func checkPod(name string) error {
	if strings.Contains(name, ",") {
		return &UnaddressableError{Name: name, Reason: "a comma in a list of pods"}
	}
	return checkSegment(name)
}

func escapeMetric(m schema.MetricName) string {
	return strings.ReplaceAll(url.PathEscape(string(m)), "%2F", "/")
}

// seriesURL is that of one metric of one entity.
func (c *Client) seriesURL(e schema.Entity, m schema.MetricName, start schema.Instant) (string, error) {
	path, err := entityPath(e)
	if err != nil {
		return "", err
	}
	if err := checkMetric(m); err != nil {
		return "", err
	}
	if err := checkLabels(m, e.Labels); err != nil {
		return "", err
	}
	return c.base + model + path + "/metrics/" + escapeMetric(m) + query(start, e.Labels), nil
}

// checkLabels refuses a set that Heapster would take for another one: it ends a
// pair at each comma.
func checkLabels(m schema.MetricName, spelled string) error {
	labels, ok := m.ReadLabels(spelled)
	for _, value := range labels {
		ok = ok && !strings.Contains(value, ",")
	}
	if !ok {
		return &UnaddressableError{Name: spelled, Reason: "a label with a comma"}
	}
	return nil
}

// podsURL is that of one metric of many pods. Its names are not checked.
func (c *Client) podsURL(namespace string, pods []string, m schema.MetricName, start schema.Instant) string {
	escaped := make([]string, len(pods))
	for i, pod := range pods {
		escaped[i] = url.PathEscape(pod)
	}
	return c.base + model + "/namespaces/" + url.PathEscape(namespace) +
		"/pod-list/" + strings.Join(escaped, ",") + "/metrics/" + escapeMetric(m) + query(start, "")
}

// query asks for points from start on, and for the series with those labels.
// It leaves out end: Heapster takes its own now for it, so that no clock but
// its own can cut off data.
func query(start schema.Instant, labels string) string {
	values := url.Values{}
	if start != 0 {
		values.Set("start", start.String())
	}
	if labels != "" {
		values.Set("labels", labels)
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// SplitPods cuts pods into batches for [Client.PodSeries], in order and
// without the repeated ones, so that no URL is longer than Options.MaxURL,
// with a start and without. A pod that is too long alone is a batch alone.
func (c *Client) SplitPods(namespace string, pods []string, m schema.MetricName) [][]string {
	const anyStart = schema.Instant(1) // all are spelled in as many bytes
	frame := len(c.podsURL(namespace, nil, m, anyStart))

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

// Package wire is Heapster's model API and metric-export as they are on the
// wire: the paths, the queries and the JSON, each in both directions. The client
// writes paths and reads JSON; a server that answers as Heapster does the
// opposite.
//
// Reading is bounded by [Limits] and strict, because the other side may not be a
// Heapster. No value passes through a float on its way. Package wire knows
// neither HTTP nor retries.
package wire

import (
	"net/url"
	"strings"

	"heapstash/schema"
)

// The roots of Heapster's paths.
const (
	Model  = "/api/v1/model"
	export = "/api/v1/metric-export"
)

// Health is the path that tells whether Heapster is well.
const Health = "/healthz"

// Page is a kind of answer.
type Page int

// The pages.
const (
	SeriesPage  Page = iota + 1 // the points of one metric of one entity
	NamesPage                   // the names of one entity's metrics
	ListPage                    // the names of the entities of one kind below another entity
	PodListPage                 // the points of one metric of many pods
	KeysPage                    // debug/allkeys: the keys of all entities
	ExportPage                  // metric-export
)

// Route is the meaning of a path.
type Route struct {
	Page   Page
	Of     schema.Entity     // the entity of the points or names, or the parent of a list; its Labels are ignored
	List   schema.Kind       // of a ListPage
	Pods   []string          // of a PodListPage, in the namespace Of
	Metric schema.MetricName // of the pages with points
}

// collection is a segment of a path, which a name of an entity follows.
type collection struct {
	segment      string
	kind, parent schema.Kind
}

var collections = [...]collection{
	{"nodes", schema.Node, schema.Cluster},
	{"namespaces", schema.Namespace, schema.Cluster},
	{"pods", schema.Pod, schema.Namespace},
	{"containers", schema.Container, schema.Pod},
	{"freecontainers", schema.SystemContainer, schema.Node},
}

const (
	metricsSegment = "metrics"
	podListSegment = "pod-list"
	keysSegments   = "debug/allkeys"
)

// Path returns the route's path, escaped. The error is an
// [UnaddressableError].
func (r Route) Path() (string, error) {
	switch r.Page {
	case ExportPage:
		return export, nil
	case KeysPage:
		return Model + "/" + keysSegments, nil
	}
	path, err := entityPath(r.Of)
	if err != nil {
		return "", err
	}
	switch r.Page {
	case ListPage:
		for _, c := range collections {
			if c.kind == r.List {
				return path + "/" + c.segment + "/", nil
			}
		}
	case NamesPage:
		return path + "/" + metricsSegment + "/", nil
	case PodListPage:
		names, err := podNames(r.Pods)
		if err != nil {
			return "", err
		}
		path += "/" + podListSegment + "/" + names
	}
	metric, err := metricPath(r.Metric)
	return path + "/" + metricsSegment + "/" + metric, err
}

// entityPath returns the path below which an entity's metrics and lists are.
func entityPath(e schema.Entity) (string, error) {
	if e.Kind == schema.Cluster {
		return Model, nil
	}
	for _, c := range collections {
		if c.kind == e.Kind {
			parent, name := parentOf(e)
			path, err := entityPath(parent)
			if err == nil {
				err = checkSegment(name)
			}
			return path + "/" + c.segment + "/" + url.PathEscape(name), err
		}
	}
	return "", &UnaddressableError{Name: e.String(), Reason: "it has no kind"}
}

// parentOf returns the entity in whose collection an entity is, and its name there.
func parentOf(e schema.Entity) (parent schema.Entity, name string) {
	switch e.Kind {
	case schema.Node:
		return schema.ClusterEntity(), e.Node
	case schema.Namespace:
		return schema.ClusterEntity(), e.Namespace
	case schema.Pod:
		return schema.NamespaceEntity(e.Namespace), e.Pod
	case schema.Container:
		return schema.PodEntity(e.Namespace, e.Pod), e.Container
	default:
		return schema.NodeEntity(e.Node), e.Container
	}
}

// childOf is the inverse of parentOf.
func childOf(parent schema.Entity, kind schema.Kind, name string) schema.Entity {
	e := parent
	switch e.Kind = kind; kind {
	case schema.Node:
		e.Node = name
	case schema.Namespace:
		e.Namespace = name
	case schema.Pod:
		e.Pod = name
	default:
		e.Container = name
	}
	return e
}

// oldNames are metric names of Heapster's first model, which it still answers.
var oldNames = map[string]schema.MetricName{
	"cpu-usage":      "cpu/usage_rate",
	"cpu-limit":      "cpu/limit",
	"memory-limit":   "memory/limit",
	"memory-usage":   "memory/usage",
	"memory-working": "memory/working_set",
}

// HasRoot reports whether a decoded path is below one of Heapster's roots. There an
// unknown path gets another 404 than elsewhere.
func HasRoot(path string) bool { return under(path, Model) || under(path, export) }

func under(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// ParsePath reads a decoded path as Heapster does: %2F and / are the same, so
// that a name with a slash looks like a deeper path. A slash at the end does not
// matter.
func ParsePath(path string) (r Route, ok bool) {
	path = "/" + strings.Trim(path, "/")
	rest, found := strings.CutPrefix(path, Model+"/")
	switch {
	case path == export:
		return Route{Page: ExportPage}, true
	case !found:
		return Route{}, false
	case rest == keysSegments:
		return Route{Page: KeysPage}, true
	default:
		return parseSegments(schema.ClusterEntity(), strings.Split(rest, "/"))
	}
}

// parseSegments reads the segments behind an entity's path.
func parseSegments(of schema.Entity, segments []string) (r Route, ok bool) {
	switch {
	case len(segments) == 0:
		return Route{}, false
	case segments[0] == metricsSegment:
		return parseMetrics(of, segments[1:]), true
	case segments[0] == podListSegment && of.Kind == schema.Namespace && len(segments) > 3 && segments[2] == metricsSegment:
		r = parseMetrics(of, segments[3:])
		r.Page, r.Pods = PodListPage, strings.Split(segments[1], ",")
		return r, true
	}
	for _, c := range collections {
		switch {
		case c.segment != segments[0] || c.parent != of.Kind:
		case len(segments) == 1:
			return Route{Page: ListPage, List: c.kind, Of: of}, true
		default:
			return parseSegments(childOf(of, c.kind, segments[1]), segments[2:])
		}
	}
	return Route{}, false
}

// parseMetrics reads the name of a metric, which may have slashes, or none.
func parseMetrics(of schema.Entity, segments []string) Route {
	if len(segments) == 0 {
		return Route{Page: NamesPage, Of: of}
	}
	name := strings.Join(segments, "/")
	metric, old := oldNames[name]
	if !old {
		metric = schema.MetricName(name)
	}
	return Route{Page: SeriesPage, Of: of, Metric: metric}
}

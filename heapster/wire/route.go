package heapsim

import (
	"strings"

	"heapstash/schema"
)

// page is a kind of answer that the API has.
type page int

const (
	seriesPage  page = iota + 1 // the points of one metric of one entity
	namesPage                   // the metrics of one entity
	listPage                    // the names of the entities of one kind below another
	podListPage                 // the points of one metric of many pods
	keysPage                    // debug/allkeys
	exportPage                  // metric-export
)

// route is what a path asks for.
type route struct {
	page   page
	of     schema.Entity     // whose points or names, or the parent of a list
	list   schema.Kind       // for a listPage
	pods   []string          // for a podListPage, in the namespace of
	metric schema.MetricName // for the pages of points
}

// aliases are metric names of Heapster's old model, which it still answers.
var aliases = map[string]schema.MetricName{
	"cpu-usage":      "cpu/usage_rate",
	"cpu-limit":      "cpu/limit",
	"memory-limit":   "memory/limit",
	"memory-usage":   "memory/usage",
	"memory-working": "memory/working_set",
}

// served reports whether the decoded path belongs to Heapster's API at all:
// what does not gets another 404 than a wrong path within.
func served(path string) bool {
	return under(path, "/api/v1/model") || under(path, "/api/v1/metric-export")
}

func under(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// parse reads the decoded path, as Heapster does: %2F and / are the same, and
// so names that hold slashes cannot be told from deeper paths. Trailing
// slashes do not matter.
func parse(path string) (route, bool) {
	path = strings.Trim(path, "/")
	if path == "api/v1/metric-export" {
		return route{page: exportPage}, true
	}
	rest, ok := strings.CutPrefix(path, "api/v1/model/")
	if !ok {
		return route{}, false
	}
	tokens := strings.Split(rest, "/")
	at := func(i int) string {
		if i < len(tokens) {
			return tokens[i]
		}
		return ""
	}
	switch at(0) {
	case "metrics":
		return metricsOf(schema.ClusterEntity(), tokens)
	case "debug":
		return route{page: keysPage}, rest == "debug/allkeys"
	case "nodes":
		switch {
		case len(tokens) == 1:
			return route{page: listPage, list: schema.Node}, true
		case at(2) != "freecontainers":
			return metricsOf(schema.NodeEntity(at(1)), tokens[2:])
		case len(tokens) == 3:
			return route{page: listPage, list: schema.SystemContainer, of: schema.NodeEntity(at(1))}, true
		default:
			return metricsOf(schema.SystemContainerEntity(at(1), at(3)), tokens[4:])
		}
	case "namespaces":
		return parseNamespaces(tokens)
	default:
		return route{}, false
	}
}

// parseNamespaces reads what begins with namespaces.
func parseNamespaces(tokens []string) (route, bool) {
	if len(tokens) == 1 {
		return route{page: listPage, list: schema.Namespace}, true
	}
	namespace := schema.NamespaceEntity(tokens[1])
	if len(tokens) == 2 {
		return route{}, false
	}
	switch tokens[2] {
	case "pods":
		if len(tokens) == 3 {
			return route{page: listPage, list: schema.Pod, of: namespace}, true
		}
	case "pod-list":
		if len(tokens) < 6 {
			return route{}, false
		}
		r, ok := metricsOf(namespace, tokens[4:])
		r.page, r.pods = podListPage, strings.Split(tokens[3], ",")
		return r, ok
	default:
		return metricsOf(namespace, tokens[2:])
	}
	pod := schema.PodEntity(tokens[1], tokens[3])
	switch {
	case len(tokens) == 4 || tokens[4] != "containers":
		return metricsOf(pod, tokens[4:])
	case len(tokens) == 5:
		return route{page: listPage, list: schema.Container, of: pod}, true
	default:
		return metricsOf(schema.ContainerEntity(tokens[1], tokens[3], tokens[5]), tokens[6:])
	}
}

// metricsOf reads metrics or metrics/NAME, where the name may hold slashes.
func metricsOf(of schema.Entity, tokens []string) (route, bool) {
	switch {
	case len(tokens) == 0 || tokens[0] != "metrics":
		return route{}, false
	case len(tokens) == 1:
		return route{page: namesPage, of: of}, true
	}
	name := strings.Join(tokens[1:], "/")
	metric, aliased := aliases[name]
	if !aliased {
		metric = schema.MetricName(name)
	}
	return route{page: seriesPage, of: of, metric: metric}, true
}

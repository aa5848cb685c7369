package wire

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"heapstash/schema"
)

// A path that is written is read as the same route.
func TestPathsReadBack(t *testing.T) {
	entities := []schema.Entity{
		schema.ClusterEntity(),
		schema.NodeEntity("n1.example"),
		schema.NamespaceEntity("d"),
		schema.PodEntity("d", "web-0"),
		schema.ContainerEntity("d", "web-0", "a b%2F?ü"),
		schema.SystemContainerEntity("n1", "kubelet"),
	}
	routes := map[string]Route{
		"/api/v1/metric-export":                                     {Page: ExportPage},
		"/api/v1/model/debug/allkeys":                               {Page: KeysPage},
		"/api/v1/model/nodes/":                                      {Page: ListPage, List: schema.Node, Of: entities[0]},
		"/api/v1/model/namespaces/":                                 {Page: ListPage, List: schema.Namespace, Of: entities[0]},
		"/api/v1/model/metrics/a/b%20c":                             {Page: SeriesPage, Of: entities[0], Metric: "a/b c"},
		"/api/v1/model/nodes/n1.example/freecontainers/":            {Page: ListPage, List: schema.SystemContainer, Of: entities[1]},
		"/api/v1/model/namespaces/d/pods/":                          {Page: ListPage, List: schema.Pod, Of: entities[2]},
		"/api/v1/model/namespaces/d/pods/web-0/containers/":         {Page: ListPage, List: schema.Container, Of: entities[3]},
		"/api/v1/model/namespaces/d/pod-list/web-0,p2/metrics/m":    {Page: PodListPage, Of: entities[2], Pods: []string{"web-0", "p2"}, Metric: "m"},
		"/api/v1/model/nodes/n1/freecontainers/kubelet/metrics/m/n": {Page: SeriesPage, Of: entities[5], Metric: "m/n"},
	}
	for _, e := range entities {
		r := Route{Page: NamesPage, Of: e}
		path, _ := r.Path()
		routes[path] = r
	}
	for want, r := range routes {
		path, err := r.Path()
		if err != nil || path != want {
			t.Errorf("%+v: path %q, %v; want %q", r, path, err, want)
			continue
		}
		decoded, err := url.PathUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, spelling := range []string{decoded, strings.TrimSuffix(decoded, "/"), decoded + "/"} {
			if got, ok := ParsePath(spelling); !ok || !reflect.DeepEqual(got, r) || !HasRoot(spelling) {
				t.Errorf("%s: got %+v, %v; want %+v", spelling, got, ok, r)
			}
		}
	}
}

func TestPathsOfNothing(t *testing.T) {
	for _, path := range []string{
		"", "/", "/api/v1/model", "/api/v1/model/", "/api/v1/model/debug", "/api/v1/model/debug/allkeys/x", "/api/v1/model/pods/",
		"/api/v1/model/nodes/n", "/api/v1/model/nodes/n/pods/", "/api/v1/model/namespaces/d", "/api/v1/model/namespaces/d/pod-list/",
		"/api/v1/model/namespaces/d/pod-list/a/metrics", "/api/v1/model/nodes/n/pod-list/a/metrics/m",
		"/api/v1/model/namespaces/d/pods/p/containers/c", "/api/v1/model/nodes/n/freecontainers/system.slice/docker.service/metrics/m",
	} {
		if r, ok := ParsePath(path); ok {
			t.Errorf("%s: got %+v", path, r)
		}
	}
}

func TestOldNames(t *testing.T) {
	if r, ok := ParsePath("/api/v1/model/metrics/memory-working"); !ok || r.Metric != "memory/working_set" {
		t.Errorf("got %+v, %v", r, ok)
	}
}

func TestQueriesReadBack(t *testing.T) {
	minute := time.Date(2017, 9, 27, 7, 9, 0, 0, time.UTC)
	for want, q := range map[string]Query{
		"":                                   {},
		"?start=2017-09-27T07%3A09%3A00Z":    {Start: minute},
		"?end=2017-09-27T07%3A09%3A00.0005Z": {End: minute.Add(500 * time.Microsecond)},
		"?labels=make%3Ak%2Cmodel%3Aa%3Ab&start=2017-09-27T07%3A09%3A00Z": {Start: minute, Labels: map[string]string{"make": "k", "model": "a:b"}},
	} {
		if got := q.String(); got != want {
			t.Errorf("%+v: got %q; want %q", q, got, want)
		}
		values, err := url.ParseQuery(strings.TrimPrefix(want, "?"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseQuery(values); err != nil || !reflect.DeepEqual(got, q) {
			t.Errorf("%q: got %+v, %v; want %+v", want, got, err, q)
		}
	}
	for _, query := range []string{"start=1506496140", "end=x", "labels=a", "labels=a:b,", "labels=:b"} {
		values, _ := url.ParseQuery(query)
		if q, err := ParseQuery(values); err == nil {
			t.Errorf("%s: got %+v", query, q)
		}
	}
}

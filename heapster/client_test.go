package heapster_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"heapstash/heapster"
	"heapstash/heapster/heapstertest"
	"heapstash/heapster/wire"
	"heapstash/schema"
)

// stamp is 2017-09-27T07:09:00Z.
const stamp = schema.Instant(1506496140)

func series(values ...int64) string {
	var points []string
	for i, v := range values {
		at := stamp + 60*schema.Instant(i)
		points = append(points, fmt.Sprintf(`{"timestamp":%q,"value":%d}`, at, uint64(v)))
	}
	return `{"metrics":[` + strings.Join(points, ",") + `],"latestTimestamp":"2017-09-27T07:11:00Z"}`
}

func TestRequests(t *testing.T) {
	const prefix = "/api/v1/namespaces/kube-system/services/http:heapster:/proxy"
	var got string
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		got = strings.TrimPrefix(r.RequestURI, prefix)
		switch {
		case strings.Contains(got, "/pod-list/"):
			fmt.Fprintf(w, `{"items":[%s,%s]}`, series(1), series())
		case strings.Contains(got, "/metrics/") && !strings.HasSuffix(got, "/"):
			io.WriteString(w, series(1))
		case got == "/healthz":
			io.WriteString(w, "ok")
		default:
			io.WriteString(w, `["b","a","b"]`)
		}
		if r.Method != http.MethodGet || r.Header.Get("User-Agent") != "heapstash" {
			t.Errorf("%s by %q", r.Method, r.Header.Get("User-Agent"))
		}
	})
	names := func(kind schema.Kind, of schema.Entity) func(context.Context) error {
		return func(ctx context.Context) error {
			names, err := c.List(ctx, kind, of)
			if !reflect.DeepEqual(names, []string{"a", "b"}) {
				t.Errorf("names %q", names)
			}
			return err
		}
	}
	of := func(e schema.Entity, m schema.MetricName, start schema.Instant) func(context.Context) error {
		return func(ctx context.Context) error {
			points, err := c.Series(ctx, e, m, start)
			if want := []schema.Point{{At: stamp, Value: schema.Int(1)}}; !reflect.DeepEqual(points, want) {
				t.Errorf("points %v", points)
			}
			return err
		}
	}
	namesOf := func(e schema.Entity) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.MetricNames(ctx, e)
			return err
		}
	}
	disk := schema.NodeEntity("n1")
	disk.Labels = "resource_id:/dev/sda1"

	for want, do := range map[string]func(context.Context) error{
		"/healthz":                                   c.Healthz,
		"/api/v1/model/nodes/":                       names(schema.Node, schema.ClusterEntity()),
		"/api/v1/model/namespaces/":                  names(schema.Namespace, schema.ClusterEntity()),
		"/api/v1/model/namespaces/kube-system/pods/": names(schema.Pod, schema.NamespaceEntity("kube-system")),
		"/api/v1/model/metrics/":                     namesOf(schema.ClusterEntity()),
		"/api/v1/model/nodes/n1.example/metrics/":    namesOf(schema.NodeEntity("n1.example")),
		"/api/v1/model/metrics/cpu/usage_rate":       of(schema.ClusterEntity(), "cpu/usage_rate", 0),
		"/api/v1/model/nodes/n1/metrics/memory/usage?start=2017-09-27T07%3A09%3A00Z": of(schema.NodeEntity("n1"), "memory/usage", stamp),
		"/api/v1/model/nodes/n1/metrics/disk/io_read_bytes?labels=resource_id%3A%2Fdev%2Fsda1&start=2017-09-27T07%3A09%3A00Z": of(disk,
			"disk/io_read_bytes", stamp),
		"/api/v1/model/namespaces/d/metrics/memory/usage":               of(schema.NamespaceEntity("d"), "memory/usage", 0),
		"/api/v1/model/namespaces/d/pods/web-0/metrics/uptime":          of(schema.PodEntity("d", "web-0"), "uptime", 0),
		"/api/v1/model/namespaces/d/pods/p/containers/c/metrics/uptime": of(schema.ContainerEntity("d", "p", "c"), "uptime", 0),
		"/api/v1/model/nodes/n/freecontainers/kubelet/metrics/uptime":   of(schema.SystemContainerEntity("n", "kubelet"), "uptime", 0),
		"/api/v1/model/metrics/custom/foo/%C3%BCn%C3%AF%20%25%3F":       of(schema.ClusterEntity(), "custom/foo/ünï %?", 0),
		"/api/v1/model/metrics/custom/%252F":                            of(schema.ClusterEntity(), "custom/%2F", 0),
		"/api/v1/model/namespaces/d/pod-list/p2,p1/metrics/uptime?start=2017-09-27T07%3A09%3A00Z": func(ctx context.Context) error {
			items, err := c.PodSeries(ctx, "d", []string{"p2", "p1"}, "uptime", stamp)
			if want := [][]schema.Point{{{At: stamp, Value: schema.Int(1)}}, nil}; !reflect.DeepEqual(items, want) {
				t.Errorf("items %v", items)
			}
			return err
		},
	} {
		if err := do(t.Context()); err != nil || got != want {
			t.Errorf("asked for %s, error %v; want %s", got, err, want)
		}
	}
}

func TestAllKeys(t *testing.T) {
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `["namespace:d/pod:p/container:c","cluster","node:n/container:system.slice/docker.service","pod:x","node:n"]`)
	})
	entities, unknown, err := c.AllKeys(t.Context())
	want := []schema.Entity{
		schema.ClusterEntity(),
		schema.ContainerEntity("d", "p", "c"),
		schema.NodeEntity("n"),
		schema.SystemContainerEntity("n", "system.slice/docker.service"),
	}
	if err != nil || !reflect.DeepEqual(entities, want) || !reflect.DeepEqual(unknown, []string{"pod:x"}) {
		t.Errorf("got %v, %q, %v", entities, unknown, err)
	}
}

func TestUnaddressable(t *testing.T) {
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked for %s", r.RequestURI)
	})
	cluster, ctx := schema.ClusterEntity(), t.Context()
	check := func(err error) {
		t.Helper()
		var typed *wire.UnaddressableError
		if !errors.Is(err, schema.ErrUnaddressable) || !errors.As(err, &typed) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
	}
	for _, e := range []schema.Entity{
		schema.SystemContainerEntity("n", "system.slice/docker.service"),
		schema.SystemContainerEntity("n", "/docker-daemon"),
		schema.NodeEntity(".."),
		schema.NamespaceEntity(""),
		schema.PodEntity("d", "."),
		schema.ContainerEntity("d", "p", "a/b"),
		{},
	} {
		_, err := c.Series(ctx, e, "uptime", 0)
		check(err)
		_, err = c.MetricNames(ctx, e)
		check(err)
	}
	for _, m := range []schema.MetricName{"", "/cpu", "cpu/", "custom//a", "custom/../a", "custom/.", "."} {
		_, err := c.Series(ctx, cluster, m, 0)
		check(err)
		_, err = c.PodSeries(ctx, "d", []string{"p"}, m, 0)
		check(err)
	}
	_, err := c.List(ctx, schema.Pod, schema.NamespaceEntity("a/b"))
	check(err)
	for _, pod := range []string{"a,b", "", "..", "a/b"} {
		_, err := c.PodSeries(ctx, "d", []string{pod}, "uptime", 0)
		check(err)
	}
	_, err = c.PodSeries(ctx, "d", []string{strings.Repeat("p", 6000)}, "uptime", 0)
	check(err)
}

func TestPodSeriesRefusesRepeatedPods(t *testing.T) {
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("asked for %s", r.RequestURI)
	})
	if _, err := c.PodSeries(t.Context(), "d", []string{"a", "b", "a"}, "uptime", 0); err == nil {
		t.Error("no error")
	}
	if items, err := c.PodSeries(t.Context(), "d", nil, "uptime", 0); items != nil || err != nil {
		t.Error(items, err)
	}
}

// Each pod is in one batch, in order, and there are as few batches as possible.
func TestSplitPods(t *testing.T) {
	const limit = 1200
	longest := 0
	c := heapstertest.Serve(t, heapster.Options{MaxURL: limit}, func(w http.ResponseWriter, r *http.Request) {
		longest = max(longest, len("http://"+r.Host+r.RequestURI))
		pods, _, _ := strings.Cut(strings.SplitN(r.URL.Path, "/pod-list/", 2)[1], "/")
		items := strings.Repeat(series()+",", strings.Count(pods, ",")+1)
		fmt.Fprintf(w, `{"items":[%s]}`, strings.TrimSuffix(items, ","))
	})
	const metric = "custom/ünï %?"
	for count := range 60 {
		var pods, want []string
		for i := range count {
			pod := fmt.Sprintf("web-%s-%d", strings.Repeat("x%", i*7%50), i)
			want = append(want, pod)
			pods = append(pods, pod, want[0])
		}
		var got []string
		longest = 0
		batches := c.SplitPods("d", pods, metric)
		for i, batch := range batches {
			got = append(got, batch...)
			if _, err := c.PodSeries(t.Context(), "d", batch, metric, stamp); err != nil {
				t.Fatal(err)
			}
			if i+1 < len(batches) {
				more := append(append([]string{}, batch...), batches[i+1][0])
				if _, err := c.PodSeries(t.Context(), "d", more, metric, stamp); !errors.Is(err, schema.ErrUnaddressable) {
					t.Errorf("%d pods: batch %d could hold more: %v", count, i, err)
				}
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d pods: got %q", count, got)
		}
		if longest > limit {
			t.Errorf("%d pods: a URL of %d bytes", count, longest)
		}
	}
	if got := c.SplitPods("d", []string{strings.Repeat("p", limit), "a"}, "uptime"); len(got) != 2 {
		t.Errorf("a pod too long for any URL: %q", got)
	}
}

func TestTrafficCountsBytesOfTheWire(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	io.WriteString(w, series(make([]int64, 1000)...))
	w.Close()
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("accepts %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped.Bytes())
	})
	for range 3 {
		points, err := c.Series(t.Context(), schema.ClusterEntity(), "uptime", 0)
		if err != nil || len(points) != 1000 {
			t.Fatal(len(points), err)
		}
	}
	if requests, wire := c.Traffic(); requests != 3 || wire != 3*int64(zipped.Len()) {
		t.Errorf("%d requests, %d bytes; sent %d", requests, wire, 3*zipped.Len())
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	const limit, requests = 3, 30
	var inFlight, most atomic.Int64
	full := make(chan struct{}) // closed once as many are in flight as may be
	var once sync.Once
	c := heapstertest.Serve(t, heapster.Options{Concurrency: limit}, func(w http.ResponseWriter, r *http.Request) {
		now := inFlight.Add(1)
		defer inFlight.Add(-1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		if now == limit {
			once.Do(func() { close(full) })
		}
		<-full
		io.WriteString(w, "[]")
	})
	var all sync.WaitGroup
	for range requests {
		all.Go(func() {
			if _, err := c.List(t.Context(), schema.Node, schema.ClusterEntity()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := most.Load(); got != limit {
		t.Errorf("%d requests in flight; want %d", got, limit)
	}
}

// Many requests use few connections.
func TestConnectionsAreReused(t *testing.T) {
	hc, err := heapster.DirectClient(heapster.DirectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, series(1)+strings.Repeat(" ", 5000))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	const limit = 8
	c := heapstertest.NewClient(t, hc, server.URL, heapster.Options{Concurrency: limit})
	var all sync.WaitGroup
	for range 4 * limit {
		all.Go(func() {
			for range 10 {
				if _, err := c.Series(t.Context(), schema.ClusterEntity(), "uptime", 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	// net/http may open a connection for a request and then use an idle one.
	if got := connections.Load(); got > 2*limit {
		t.Errorf("%d connections for %d requests at once", got, limit)
	}
}

func TestNewRefuses(t *testing.T) {
	for base, message := range map[string]string{
		"heapster:8082":           "begin it with http",
		"ftp://heapster":          "begin it with http",
		"http://":                 "name a host",
		"http://heapster/?a=b":    "leave out the part after",
		"http://heapster/#a":      "leave out the part after",
		"http://u:secret@h/?a":    "leave out the part after",
		"//heapster/api/v1/model": "begin it with http",
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := heapster.New(http.DefaultClient, u, heapster.Options{}); err == nil ||
			!strings.Contains(err.Error(), message) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v; want %q", base, err, message)
		}
	}
	u := &url.URL{Scheme: "http", Host: "h"}
	if _, err := heapster.New(http.DefaultClient, u, heapster.Options{Tries: -1}); err == nil {
		t.Error("took a negative number of tries")
	}
}

package heapsim_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// start is the time of the tests' first batch.
var start = time.Date(2017, 9, 27, 7, 9, 0, 0, time.UTC)

// clock is Heapster's clock, set by a test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// simulated is a stand-in whose clock shows the time of the newest batch.
type simulated struct {
	*testing.T
	*heapsim.Server
	clock clock
}

func simulate(t *testing.T, o heapsim.Options) *simulated {
	s := &simulated{T: t, clock: clock{now: start}}
	o.Now = s.clock.Now
	s.Server = heapsim.New(o)
	return s
}

// feed sets the clock to at and feeds a batch of that time.
func (s *simulated) feed(at time.Time, sets ...heapsim.Set) {
	s.clock.set(at)
	s.Feed(heapsim.Batch{At: at, Sets: sets})
}

// get returns status and body of the answer.
func (s *simulated) get(path string) (int, string) {
	s.Helper()
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, recorder.Body.String()
}

// list returns a list of names, sorted.
func (s *simulated) list(path string) []string {
	s.Helper()
	var names []string
	_, body := s.get("/api/v1/model" + path)
	if err := json.Unmarshal([]byte(body), &names); err != nil {
		s.Fatalf("%s: %v in %q", path, err, body)
	}
	slices.Sort(names)
	return names
}

// series returns the points as "minute:value".
func (s *simulated) series(path string) []string {
	s.Helper()
	var result struct {
		Metrics []struct {
			Timestamp time.Time
			Value     uint64
		}
	}
	_, body := s.get("/api/v1/model" + path)
	if err := json.Unmarshal([]byte(body), &result); err != nil {
		s.Fatalf("%s: %v in %q", path, err, body)
	}
	points := []string{}
	for _, p := range result.Metrics {
		points = append(points, fmt.Sprintf("%d:%d", int(p.Timestamp.Sub(start).Minutes()), p.Value))
	}
	return points
}

func (s *simulated) want(path string, got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Errorf("%s: got %v, want %v", path, got, want)
	}
}

func values(pairs map[schema.MetricName]int64) map[schema.MetricName]schema.Value {
	values := make(map[schema.MetricName]schema.Value)
	for name, value := range pairs {
		values[name] = schema.Int(value)
	}
	return values
}

func TestRetention(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	for minute := range 20 {
		s.feed(start.Add(time.Duration(minute)*time.Minute), heapsim.Set{
			Entity: schema.ClusterEntity(),
			Values: values(map[schema.MetricName]int64{"memory/usage": int64(minute), "cpu/limit": int64(minute)}),
		})
	}
	// At minute 19 there are the points of the last 140 s and 15 min.
	s.want("short", s.series("/metrics/cpu/limit"), []string{"17:17", "18:18", "19:19"})
	long := s.series("/metrics/memory/usage")
	s.want("long", []any{len(long), long[0], long[14]}, []any{15, "5:5", "19:19"})

	// Time alone evicts nothing; the next batch does.
	s.clock.set(start.Add(time.Hour))
	s.want("late", s.series("/metrics/cpu/limit"), []string{"17:17", "18:18", "19:19"})
	s.feed(start.Add(time.Hour), heapsim.Set{Entity: schema.ClusterEntity()})
	s.want("evicted", s.series("/metrics/cpu/limit"), []string{})
	s.want("evicted", s.series("/metrics/memory/usage"), []string{})
}

func TestWindows(t *testing.T) {
	s := simulate(t, heapsim.Options{ShortRetention: time.Hour})
	for _, minute := range []int{0, 2, 1} {
		s.feed(start.Add(time.Duration(minute)*time.Minute), heapsim.Set{
			Entity: schema.ClusterEntity(), Values: values(map[schema.MetricName]int64{"uptime": int64(minute)}),
		})
	}
	s.want("future", s.series("/metrics/uptime"), []string{"0:0", "1:1"})
	s.want("order of arrival", s.series("/metrics/uptime?end=2017-09-27T07:11:00Z"), []string{"0:0", "2:2", "1:1"})
	s.want("closed", s.series("/metrics/uptime?start=2017-09-27T07:10:00Z&end=2017-09-27T07:10:00Z"), []string{"1:1"})
	status, body := s.get("/api/v1/model/metrics/uptime?start=1506496140")
	s.want("bad start", []any{status, strings.HasPrefix(body, "timestamp argument cannot be parsed: ")}, []any{400, true})
}

func TestVanishedPod(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	gone := schema.PodEntity("default", "web-0")
	s.feed(start, heapsim.Set{Entity: gone, Values: values(map[schema.MetricName]int64{"uptime": 1, "memory/usage": 2})})
	s.feed(start.Add(time.Minute), heapsim.Set{Entity: schema.PodEntity("default", "web-1")})
	s.want("list", s.list("/namespaces/default/pods/"), []string{"web-1"})
	s.want("keys", s.list("/debug/allkeys"), []string{"namespace:default/pod:web-1"})
	s.want("names", s.list("/namespaces/default/pods/web-0/metrics"), []string{"memory/usage", "uptime"})
	s.want("series", s.series("/namespaces/default/pods/web-0/metrics/uptime"), []string{"0:1"})
	s.feed(start.Add(3*time.Minute), heapsim.Set{Entity: schema.ClusterEntity()})
	s.want("names after", s.list("/namespaces/default/pods/web-0/metrics"), []string{})
	s.want("long after", s.series("/namespaces/default/pods/web-0/metrics/memory/usage"), []string{"0:2"})
}

func TestValuesOnTheWire(t *testing.T) {
	for _, test := range []struct {
		value schema.Value
		want  string
	}{
		{schema.Int(-1), "0:18446744073709551615"},
		{schema.Int(1<<53 + 1), "0:9007199254740993"},
		{schema.Real(0.2551), "0:0"},
		{schema.Real(2.999), "0:2"},
		{schema.Real(-1.5), "0:18446744073709551615"},
	} {
		s := simulate(t, heapsim.Options{})
		s.feed(start, heapsim.Set{Entity: schema.NodeEntity("n"), Values: map[schema.MetricName]schema.Value{
			"custom/ünï %?": test.value, "memory/usage": test.value,
		}})
		s.want(test.want, s.series("/nodes/n/metrics/custom/%C3%BCn%C3%AF%20%25%3F"), []string{test.want})
		if _, integer := test.value.Int64(); !integer {
			s.want("a float in the long store", s.series("/nodes/n/metrics/memory/usage"), []string{"0:0"})
		}
	}
}

func TestNothingKnown(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	for path, want := range map[string]string{
		"/api/v1/model/nodes/":                             `[]`,
		"/api/v1/model/namespaces/none/pods/p/metrics":     `[]`,
		"/api/v1/model/namespaces/none/pods/p/metrics/a/b": `{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}`,
		"/api/v1/model/namespaces/n/pod-list/p/metrics/a":  `{"items":[{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}]}`,
		"/api/v1/metric-export":                            `null`,
	} {
		status, body := s.get(path)
		body = strings.NewReplacer(" ", "", "\n", "").Replace(body)
		s.want(path, []any{status, body}, []any{200, want})
	}
	status, body := s.get("/api/v1/model/nodes/n/freecontainers/system.slice/docker.service/metrics/uptime")
	s.want("a name with slashes", []any{status, body}, []any{404, "404: Page Not Found"})
	status, body = s.get("/healthz")
	s.want("/healthz", []any{status, strings.Contains(body, "could not get the latest data batch")}, []any{500, true})
}

func TestHealth(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	s.feed(start, heapsim.Set{Entity: schema.ClusterEntity()})
	s.clock.set(start.Add(3 * time.Minute))
	status, body := s.get("/healthz")
	s.want("fresh", []any{status, body}, []any{200, "ok"})
	s.clock.set(start.Add(3*time.Minute + time.Second))
	status, body = s.get("/healthz")
	s.want("stale", []any{status, body}, []any{500,
		"[-]healthz failed: No current data batch available (latest: 2017-09-27 07:09:00 +0000 UTC).\nhealthz check failed\n"})
	s.Restart()
	status, _ = s.get("/healthz")
	s.want("restarted", status, 500)
}

func TestPodListDoublesRepeatedNames(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	s.feed(start, heapsim.Set{Entity: schema.PodEntity("a", "x"), Values: values(map[schema.MetricName]int64{"uptime": 7})})
	_, body := s.get("/api/v1/model/namespaces/a/pod-list/x,y,x/metrics/uptime")
	var list struct{ Items []struct{ Metrics []any } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	var points []int
	for _, item := range list.Items {
		points = append(points, len(item.Metrics))
	}
	s.want("points", points, []int{2, 0, 2})
}

func TestLabelsMatchWhole(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	s.feed(start, heapsim.Set{Entity: schema.NodeEntity("n"), Labelled: []heapsim.Labelled{
		{Metric: "accelerator/duty_cycle", Labels: map[string]string{"make": "nvidia", "model": "k80"}, Value: schema.Int(5)},
	}})
	for query, want := range map[string][]string{
		"":                                {},
		"?labels=make:nvidia":             {},
		"?labels=model:k80,make:nvidia":   {"0:5"},
		"?labels=make:nvidia,model:k80,x": nil,
	} {
		if path := "/nodes/n/metrics/accelerator/duty_cycle" + query; want != nil {
			s.want(query, s.series(path), want)
		} else if status, _ := s.get("/api/v1/model" + path); status != 400 {
			t.Errorf("%s: status %d", query, status)
		}
	}
	s.want("names", s.list("/nodes/n/metrics"), []string{})
}

func TestNodeIsListedByHostname(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	host := map[string]string{"hostname": "host"}
	s.feed(start,
		heapsim.Set{Entity: schema.NodeEntity("n"), Attributes: host, Values: values(map[schema.MetricName]int64{"uptime": 7})},
		heapsim.Set{Entity: schema.SystemContainerEntity("n", "kubelet"), Attributes: host})
	s.want("list", s.list("/nodes/"), []string{"host"})
	s.want("by hostname", s.series("/nodes/host/metrics/uptime"), []string{})
	s.want("by nodename", s.series("/nodes/n/metrics/uptime"), []string{"0:7"})
	s.want("containers by hostname", s.list("/nodes/host/freecontainers/"), []string{"kubelet"})
	s.want("containers by nodename", s.list("/nodes/n/freecontainers/"), []string{})
}

func TestExport(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	s.feed(start, heapsim.Set{Entity: schema.NamespaceEntity("a"), Values: values(map[schema.MetricName]int64{"memory/usage": 1})},
		heapsim.Set{
			Entity: schema.PodEntity("a", "web-0"), Since: start.Add(-time.Hour),
			Values: map[schema.MetricName]schema.Value{
				"memory/usage": schema.Real(1.5), "network/rx": schema.Int(-1), "cpu/usage_rate": schema.Int(3), "custom/x": schema.Int(4)},
			Labelled: []heapsim.Labelled{
				{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "Volume:data"}, Value: schema.Int(2)}},
			Attributes: map[string]string{"namespace_id": "u", "schedulable": "true"},
		})
	_, body := s.get("/api/v1/metric-export")
	s.want("export", strings.TrimSpace(body), `[{"metrics":{`+
		`"filesystem/usage":[{"start":"2017-09-27T07:09:00Z","end":"2017-09-27T07:09:00Z","labels":{"resource_id":"Volume:data"},"value":2}],`+
		`"memory/usage":[{"start":"2017-09-27T07:09:00Z","end":"2017-09-27T07:09:00Z","value":1.5}],`+
		`"network/rx":[{"start":"2017-09-27T06:09:00Z","end":"2017-09-27T07:09:00Z","value":-1}]},`+
		`"labels":{"container_name":"/pod","namespace_id":"u","pod_name":"web-0"}}]`)
}

func TestVersions(t *testing.T) {
	s := simulate(t, heapsim.Options{NoContainersList: true, NoAllKeys: true, ExportDisabled: true})
	s.feed(start, heapsim.Set{Entity: schema.ContainerEntity("a", "b", "c"), Values: values(map[schema.MetricName]int64{"uptime": 7})})
	for path, want := range map[string]string{
		"/api/v1/model/namespaces/a/pods/b/containers/": "404: Page Not Found",
		"/api/v1/model/debug/allkeys":                   "404: Page Not Found",
		"/api/v1/metric-export":                         "[]\n",
	} {
		_, body := s.get(path)
		s.want(path, body, want)
	}
	s.want("series", s.series("/namespaces/a/pods/b/containers/c/metrics/uptime"), []string{"0:7"})
}

func TestListsComeInRandomOrder(t *testing.T) {
	orders := func() string {
		s := simulate(t, heapsim.Options{Seed: 7})
		var sets []heapsim.Set
		for i := range 20 {
			sets = append(sets, heapsim.Set{Entity: schema.NamespaceEntity(fmt.Sprint(i))})
		}
		s.feed(start, sets...)
		_, first := s.get("/api/v1/model/namespaces/")
		_, second := s.get("/api/v1/model/namespaces/")
		if first == second {
			t.Error("the same order twice")
		}
		return first + second
	}
	if once, again := orders(), orders(); once != again {
		t.Error("one seed gave two orders")
	}
}

func TestGzip(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	request := httptest.NewRequest(http.MethodGet, "/api/v1/model/nodes/", nil)
	request.Header.Set("Accept-Encoding", "gzip")
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, request)
	if encoding := recorder.Header().Get("Content-Encoding"); encoding != "gzip" {
		t.Fatalf("Content-Encoding %q", encoding)
	}
	body, err := gzip.NewReader(recorder.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(body); string(text) != "[]" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	s := simulate(t, heapsim.Options{})
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{Pods: 4})
	var group sync.WaitGroup
	for _, path := range []string{"/api/v1/model/debug/allkeys", "/api/v1/metric-export", "/healthz", "/api/v1/model/metrics/memory/usage"} {
		group.Go(func() {
			for range 20 {
				s.get(path)
			}
		})
	}
	for minute := range 20 {
		s.clock.set(start.Add(time.Duration(minute) * time.Minute))
		s.Feed(cluster.Next(s.clock.Now()))
	}
	s.Restart()
	group.Wait()
}

package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// TestStandInIsHonest gives the stand-in and the real handlers the same batches. It
// compares their answers at every URL that exists, and at many that do not.
func TestStandInIsHonest(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	for name, batches := range map[string][]heapsim.Batch{
		"nothing":    nil,
		"generated":  generated(now),
		"oddities":   oddities(now),
		"stale":      {{At: now.Add(-10 * time.Minute), Sets: oddities(now)[0].Sets}},
		"overtaken":  {oddities(now)[1], oddities(now)[0]},
		"no sets":    {{At: now.Add(-time.Second)}},
		"in advance": {oddities(now)[0], {At: now.Add(time.Hour), Sets: oddities(now)[1].Sets}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			for _, b := range batches {
				p.feed(b)
			}
			p.compareAll(urls(batches))
		})
	}
}

func TestStandInIsHonestWithoutExport(t *testing.T) {
	p := newPairOf(t, heapsim.Options{ExportDisabled: true}, "--disable-export")
	p.feed(oddities(time.Now())[0])
	p.compare(request{path: "/api/v1/metric-export"})
}

func TestStandInIsHonestAfterRestart(t *testing.T) {
	p := newPair(t)
	batches := oddities(time.Now())
	p.feed(batches[0])
	p.sim.Restart()
	must(t, p.real.Restart())
	p.compareAll(urls(batches))
	p.feed(batches[1])
	p.compareAll(urls(batches))
}

// request is a request that both get.
type request struct {
	method string // GET if empty
	path   string // with the query
	header http.Header
}

// pair is a stand-in and a real Heapster.
type pair struct {
	*testing.T
	sim    *rig.StandIn
	real   *rig.Heapster
	client *http.Client
}

func newPair(t *testing.T) *pair { return newPairOf(t, heapsim.Options{}) }

func newPairOf(t *testing.T, o heapsim.Options, flags ...string) *pair {
	o.Now = time.Now
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &pair{t, rig.StartStandIn(t, o, heapsim.ClusterOptions{}), rig.StartHeapster(t, programs.Heapster, flags...), &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (p *pair) feed(b heapsim.Batch) {
	p.Helper()
	must(p, p.real.Feed(b))
	p.sim.Feed(b)
}

func (p *pair) compareAll(requests []request) {
	p.Helper()
	for _, r := range requests {
		p.compare(r)
	}
	p.Logf("%d requests compared", len(requests))
}

// compare sends a request to both, and compares status, headers and body.
func (p *pair) compare(r request) {
	p.Helper()
	want, got := p.ask(p.real.URL, r), p.ask(p.sim.URL, r)
	if got != want {
		p.Errorf("%s %s %v:\nstand-in %+v\nHeapster %+v", r.method, r.path, r.header, got, want)
	}
}

// answer has the parts of an answer that must be equal.
type answer struct {
	status                          int
	contentType, encoding, location string
	indented, newline               bool
	body                            string
}

func (p *pair) ask(base string, r request) answer {
	p.Helper()
	asked, err := http.NewRequest(cmp.Or(r.method, http.MethodGet), base+r.path, nil)
	if err != nil {
		p.Fatal(err)
	}
	maps.Copy(asked.Header, r.header)
	response, err := p.client.Do(asked)
	if err != nil {
		p.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{
		status:      response.StatusCode,
		contentType: response.Header.Get("Content-Type"),
		encoding:    response.Header.Get("Content-Encoding"),
		location:    response.Header.Get("Location"),
	}
	var body io.Reader = response.Body
	if a.encoding == "gzip" && asked.Method != http.MethodHead {
		if body, err = gzip.NewReader(body); err != nil {
			p.Fatalf("%s: %v", r.path, err)
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		p.Fatalf("%s: %v", r.path, err)
	}
	a.newline = bytes.HasSuffix(text, []byte("\n"))
	a.indented = bytes.Contains(bytes.TrimSpace(text), []byte("\n "))
	a.body = canonical(a.contentType, text)
	// realheapster has a later go-restful than Heapster, which adds this.
	a.body, _, _ = strings.Cut(a.body, "\n\nAvailable representations")
	return a
}

// canonical sorts lists, whose order is random in Heapster, and removes the
// indentation.
func canonical(contentType string, text []byte) string {
	if contentType != "application/json" {
		return string(text)
	}
	var elements []json.RawMessage
	if json.Unmarshal(text, &elements) == nil {
		slices.SortFunc(elements, func(a, b json.RawMessage) int { return bytes.Compare(a, b) })
		if elements != nil {
			text, _ = json.Marshal(elements)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return "not JSON: " + string(text)
	}
	return compact.String()
}

// generated returns 16 minutes of batches of a small cluster that changes: longer
// than both of Heapster's retentions.
func generated(now time.Time) []heapsim.Batch {
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Nodes: 1, Namespaces: 2, Pods: 5, Containers: 1})
	var batches []heapsim.Batch
	// At half minutes, so that no batch expires while a slow test compares the two.
	for at := now.Add(-16*time.Minute - 30*time.Second); at.Before(now); at = at.Add(time.Minute) {
		batches = append(batches, cluster.Next(at))
		switch len(batches) {
		case 10, 16:
			cluster.Churn(1)
			cluster.Recreate(schema.PodEntity("team-01", "web-0"))
		}
	}
	return batches
}

// oddities returns two batches of names and values that are hard to handle.
func oddities(now time.Time) []heapsim.Batch {
	type values = map[schema.MetricName]schema.Value
	odd := values{
		"memory/usage":      schema.Int(-1),
		"cpu/usage":         schema.Int(1<<53 + 1),
		"cpu/usage_rate":    schema.Real(2.999), // Heapster's long store has integers only
		"uptime":            schema.Int(math.MaxInt64),
		"memory/limit":      schema.Int(math.MinInt64),
		"network/rx":        schema.Real(2.0),
		"network/tx_rate":   schema.Real(-0.75),
		"memory/rss":        schema.Real(1e300),
		"custom/foo/bar":    schema.Real(0.2551),
		"custom/ünï %?":     schema.Int(7),
		"custom/a+b&c=d;<>": schema.Int(8),
		"custom/":           schema.Int(9),
		"metrics":           schema.Int(10),
	}
	filesystems := []heapsim.Labelled{
		{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/dev/sda1"}, Value: schema.Int(1)},
		{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/dev/sdb1"}, Value: schema.Int(-2)},
		{Metric: "disk/io_read_bytes", Labels: map[string]string{"resource_id": "8:0"}, Value: schema.Int(3)},
		{Metric: "disk/io_read_bytes_rate", Labels: map[string]string{"resource_id": "8:0"}, Value: schema.Real(3.5)},
		{Metric: "accelerator/duty_cycle", Labels: map[string]string{"make": "nvidia", "model": "k80", "accelerator_id": "0"}, Value: schema.Int(4)},
		{Metric: "custom/labelled", Labels: map[string]string{"a": "1"}, Value: schema.Int(5)},
	}
	since := now.Add(-time.Hour)
	set := func(of schema.Entity, attributes map[string]string) heapsim.Set {
		return heapsim.Set{Entity: of, Since: since, Values: odd, Labelled: filesystems, Attributes: attributes}
	}
	first := heapsim.Batch{At: now.Add(-70 * time.Second), Sets: []heapsim.Set{
		set(schema.ClusterEntity(), nil),
		set(schema.NodeEntity("n1"), nil),
		set(schema.NodeEntity("n2"), map[string]string{"hostname": "host-2", "host_id": "i-2", "schedulable": "true"}),
		set(schema.NamespaceEntity("a"), map[string]string{"namespace_id": "uid-a"}),
		set(schema.NamespaceEntity("b"), nil),
		set(schema.NamespaceEntity("metrics"), nil),
		set(schema.PodEntity("a", "web-0"), map[string]string{
			"pod_id": "1", "namespace_id": "uid-a", "labels": "app:web,k:v", "nodename": "n2", "hostname": "host-2", "type": "not shown"}),
		set(schema.PodEntity("b", "web-0"), nil),
		set(schema.PodEntity("a", "gone"), nil),
		set(schema.PodEntity("a", "metrics"), nil),
		set(schema.ContainerEntity("a", "web-0", "executor"), map[string]string{"container_base_image": "x/y:1"}),
		set(schema.ContainerEntity("a", "web-0", "/pod"), nil),
		set(schema.ContainerEntity("a", "web-0", "machine"), nil),
		set(schema.SystemContainerEntity("n1", "kubelet"), nil),
		set(schema.SystemContainerEntity("n1", "system.slice/docker.service"), nil),
		set(schema.SystemContainerEntity("n1", "docker-daemon"), nil),
		set(schema.SystemContainerEntity("n1", "/docker-daemon"), nil),
		set(schema.SystemContainerEntity("n2", "kubelet"), map[string]string{"hostname": "host-2"}),
	}}
	for i := range first.Sets {
		if first.Sets[i].Entity.Container == "/docker-daemon" {
			first.Sets[i].Values = values{"memory/usage": schema.Int(123), "uptime": schema.Int(124)}
		}
	}
	second := heapsim.Batch{At: now.Add(-10 * time.Second), Sets: slices.DeleteFunc(slices.Clone(first.Sets), func(s heapsim.Set) bool {
		return s.Entity.Pod == "gone"
	})}
	// The last set of an entity counts.
	second.Sets = append(second.Sets, heapsim.Set{Entity: schema.PodEntity("b", "web-0"), Values: values{"uptime": schema.Int(1)}})
	return []heapsim.Batch{first, second}
}

// urls returns requests for everything in the batches, and for what is not there.
func urls(batches []heapsim.Batch) []request {
	entities := make(map[schema.Entity]bool)
	metrics := map[schema.MetricName]bool{"no/such": true, "cpu-usage": true, "cpu-limit": true, "memory-limit": true, "memory-usage": true, "memory-working": true}
	labels := map[string]bool{"": true, "resource_id:/dev/null": true, "resource_id": true, ":x": true, "a:": true, "a:1,b:2": true}
	for _, b := range batches {
		for _, set := range b.Sets {
			entities[set.Entity] = true
			for name := range set.Values {
				metrics[name] = true
			}
			for _, l := range set.Labelled {
				metrics[l.Metric] = true
				labels[spell(l.Labels)] = true
			}
		}
	}
	for _, none := range []schema.Entity{
		schema.NodeEntity("none"), schema.NamespaceEntity("none"), schema.PodEntity("a", "none"), schema.PodEntity("none", "web-0"),
		schema.ContainerEntity("a", "web-0", "none"), schema.SystemContainerEntity("n1", "none"),
	} {
		entities[none] = true
	}

	var all []request
	get := func(path string) { all = append(all, request{path: path}) }
	for of := range entities {
		root := pathOf(of)
		get(root + "/metrics")
		get(root + "/metrics/")
		for metric := range metrics {
			get(root + "/metrics/" + escape(string(metric), true))
			if family, known := schema.Lookup(metric); (known && family.Family != schema.Unlabelled) || metric == "uptime" || metric == "custom/labelled" {
				for l := range labels {
					get(root + "/metrics/" + escape(string(metric), true) + "?labels=" + url.QueryEscape(l))
				}
			}
		}
		for _, list := range []string{"", "/pods", "/pods/", "/containers", "/containers/", "/freecontainers", "/freecontainers/"} {
			get(root + list)
		}
	}
	for _, pods := range []string{"web-0", "web-0,web-0,gone", "web-0%2Cweb-1", "none", "web-0,,none,web-1,web-0", "%20web-0", ","} {
		for _, namespace := range []string{"a", "b", "none", "team-01"} {
			for metric := range metrics {
				get("/api/v1/model/namespaces/" + namespace + "/pod-list/" + pods + "/metrics/" + escape(string(metric), true))
			}
			get("/api/v1/model/namespaces/" + namespace + "/pod-list/" + pods + "/metrics/filesystem/usage?labels=resource_id:/dev/sda1")
			get("/api/v1/model/namespaces/" + namespace + "/pod-list/" + pods + "/metrics/uptime?start=x")
		}
	}
	return append(all, awkward(batches)...)
}

// awkward returns wrong and unusual requests.
func awkward(batches []heapsim.Batch) []request {
	var all []request
	for _, path := range []string{
		"/", "/api", "/api/v1", "/api/v1/", "/api/v1/model", "/api/v1/model/", "/api/v1/modelling", "/healthz", "/healthz/",
		"/api/v1/model/debug", "/api/v1/model/debug/allkeys", "/api/v1/model/debug/allkeys/", "/api/v1/model/debug/allkeys/x",
		"/api/v1/model/nodes", "/api/v1/model/nodes/", "/api/v1/model/namespaces", "/api/v1/model/namespaces/", "/api/v1/model/pods",
		"/api/v1/model/nodes/host-2/freecontainers/", "/api/v1/model/nodes/host-2/metrics/uptime",
		"/api/v1/model/nodes/n1/freecontainers//docker-daemon/metrics/uptime",
		"/api/v1/model/nodes/n1/freecontainers/%2Fdocker-daemon/metrics/uptime?start=x",
		"/api/v1/model/nodes/n1/freecontainers/system.slice%2Fdocker.service/metrics/uptime",
		"/api/v1/model//nodes/", "/api/v1/model/./nodes/../namespaces/",
		"/api/v1/model/metrics/custom//foo", "/api/v1/model/metrics/custom/foo/bar/", "/api/v1/model/metrics/custom%2Ffoo%2Fbar",
		"/api/v1/model/namespaces/a/pods/web-0", "/api/v1/model/namespaces/a/pods/web-0/containers/executor",
		"/api/v1/model/namespaces/a/pod-list", "/api/v1/model/namespaces/a/pod-list/web-0", "/api/v1/model/namespaces/a/pod-list/web-0/metrics",
		"/api/v1/model/namespaces/metrics", "/api/v1/model/namespaces/metrics/metrics", "/api/v1/model/namespaces/a/pods/metrics/metrics/metrics",
		"/api/v1/metric-export", "/api/v1/metric-export/", "/api/v1/metric-export/x",
	} {
		all = append(all, request{path: path},
			request{path: path, method: http.MethodHead},
			request{path: path, method: http.MethodPost},
			request{path: path, method: http.MethodDelete},
			request{path: path, header: http.Header{"Accept-Encoding": {"gzip"}}})
		for _, accept := range []string{
			"text/html", "application/json", "*/*", "application/*", "text/html, application/json;q=0.1",
			"text/html,application/xhtml+xml,*/*;q=0.8", "application/vnd.kubernetes.protobuf,application/json",
		} {
			all = append(all, request{path: path, header: http.Header{"Accept": {accept}}})
		}
	}
	ends := []string{"", "1506496140", "2017-09-27T07:09:00", "2017-09-27T07:09:00+00:00", "2017-09-27T07:09:00%2B00:00", "2999-01-01T00:00:00Z"}
	starts := slices.Clone(ends)
	for _, b := range batches {
		starts = append(starts, b.At.Format(time.RFC3339), b.At.Add(time.Second).Format(time.RFC3339), b.At.Add(-time.Second).Format(time.RFC3339Nano))
	}
	ends = append(ends, starts[len(starts)-1])
	for _, start := range starts {
		for _, end := range ends {
			for _, metric := range []string{"memory/usage", "memory/limit"} {
				all = append(all, request{path: "/api/v1/model/metrics/" + metric + "?start=" + start + "&end=" + end})
			}
		}
	}
	return all
}

func pathOf(of schema.Entity) string {
	const root = "/api/v1/model"
	segment := func(name string) string { return escape(name, false) }
	switch of.Kind {
	case schema.Node:
		return root + "/nodes/" + segment(of.Node)
	case schema.SystemContainer:
		return root + "/nodes/" + segment(of.Node) + "/freecontainers/" + segment(of.Container)
	case schema.Namespace:
		return root + "/namespaces/" + segment(of.Namespace)
	case schema.Pod:
		return root + "/namespaces/" + segment(of.Namespace) + "/pods/" + segment(of.Pod)
	case schema.Container:
		return root + "/namespaces/" + segment(of.Namespace) + "/pods/" + segment(of.Pod) + "/containers/" + segment(of.Container)
	default:
		return root
	}
}

// escape escapes a name. It keeps slashes if slashes is true.
func escape(name string, slashes bool) string {
	escaped := url.PathEscape(name)
	if slashes {
		escaped = strings.ReplaceAll(escaped, "%2F", "/")
	}
	return escaped
}

func spell(labels map[string]string) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, key+":"+labels[key])
	}
	return strings.Join(pairs, ",")
}

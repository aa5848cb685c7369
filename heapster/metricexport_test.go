package heapster_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/heapster"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/heapster/wire"
	"heapstash/schema"
)

// simulate returns a stand-in for Heapster with the batches, and its client.
func simulate(t testing.TB, sim heapsim.Options, opts heapster.Options, batches ...heapsim.Batch) (*heapstertest.Server, *heapster.Client) {
	t.Helper()
	sim.Now = func() time.Time { return stamp.Time().Add(time.Minute) }
	server := heapstertest.NewServer(sim)
	for _, batch := range batches {
		server.Feed(batch)
	}
	over := httptest.NewServer(server)
	t.Cleanup(over.Close)
	return server, heapstertest.NewClient(t, over.Client(), over.URL, opts)
}

// export returns the entities of Export, in the order of their keys and UIDs.
func export(ctx context.Context, c *heapster.Client) (all []schema.Exported, err error) {
	err = c.Export(ctx, func(e schema.Exported) error {
		all = append(all, e)
		return nil
	})
	slices.SortFunc(all, func(a, b schema.Exported) int {
		return cmp.Or(cmp.Compare(a.Entity.String(), b.Entity.String()), cmp.Compare(a.PodUID, b.PodUID))
	})
	return all, err
}

type values = map[schema.MetricName]schema.Value

func row(e schema.Entity, labels string, readings ...schema.Reading) schema.Row {
	e.Labels = labels
	return schema.Row{Entity: e, At: stamp, Readings: readings}
}

func TestExport(t *testing.T) {
	filesystem := func(resource string, usage, limit int64) []heapsim.Labelled {
		labels := map[string]string{"resource_id": resource}
		return []heapsim.Labelled{{Metric: "filesystem/usage", Labels: labels, Value: schema.Int(usage)},
			{Metric: "filesystem/limit", Labels: labels, Value: schema.Int(limit)}}
	}
	gpu := map[string]string{"model": "tesla:k80", "make": "nvidia", "accelerator_id": "GPU-1"}
	of := map[string]string{"nodename": "n1", "hostname": "host1", "host_id": "i-1", "pod_id": "uid-1", "namespace_id": "uid-d", "labels": "app:web,tier:front"}
	image := map[string]string{"container_base_image": "web:1", "namespace_id": "uid-d"}
	batch := heapsim.Batch{At: stamp.Time(), Sets: []heapsim.Set{
		{Entity: schema.ClusterEntity(), Values: values{"memory/usage": schema.Int(1)}},
		{Entity: schema.NamespaceEntity("d"), Values: values{"memory/usage": schema.Int(1)}},
		{Entity: schema.NodeEntity("n1"),
			Since:    stamp.Time().Add(-time.Hour),
			Values:   values{"uptime": schema.Int(3600_000), "memory/usage": schema.Int(-1), "cpu/usage": schema.Int(math.MaxInt64), "cpu/usage_rate": schema.Int(9)},
			Labelled: append(filesystem("/dev/sdb1", 3, 4), filesystem("/dev/sda1", 1, 2)...)},
		{Entity: schema.SystemContainerEntity("n1", "system.slice/docker.service"), Values: values{"memory/usage": schema.Real(2.5)}},
		{Entity: schema.SystemContainerEntity("n1", "/pod"), Values: values{"memory/usage": schema.Int(9007199254740993)}},
		{Entity: schema.PodEntity("d", "web-0"), Attributes: of, Values: values{"network/rx": schema.Int(math.MinInt64)}},
		{Entity: schema.ContainerEntity("d", "web-0", "machine"), Attributes: image, Values: values{"memory/rss": schema.Real(1e300)}},
		{Entity: schema.ContainerEntity("d", "web-0", "executor"), Attributes: image,
			Values:   values{"memory/rss": schema.Real(2), "memory/cache": schema.Real(-1e19), "memory/limit": schema.Real(1e-7)},
			Labelled: []heapsim.Labelled{{Metric: "accelerator/duty_cycle", Labels: gpu, Value: schema.Int(100)}}},
		{Entity: schema.ContainerEntity("d", "web-1", "idle")},
	}}
	node, pod := schema.NodeEntity("n1"), schema.PodEntity("", "web-0")
	slice, odd := schema.SystemContainerEntity("n1", "system.slice/docker.service"), schema.SystemContainerEntity("n1", "/pod")
	executor, machine := schema.ContainerEntity("", "web-0", "executor"), schema.ContainerEntity("", "web-0", "machine")
	want := []schema.Exported{
		{Entity: pod, NamespaceID: "uid-d", PodUID: "uid-1", Node: "n1", Hostname: "host1", HostID: "i-1", PodLabels: "app:web,tier:front",
			Rows: []schema.Row{row(pod, "", schema.Reading{Metric: "network/rx", Value: schema.Int(math.MinInt64)})}},
		{Entity: executor, NamespaceID: "uid-d", BaseImage: "web:1", Rows: []schema.Row{
			row(executor, "",
				schema.Reading{Metric: "memory/cache", Value: schema.Real(-1e19)},
				schema.Reading{Metric: "memory/limit", Value: schema.Real(1e-7)},
				schema.Reading{Metric: "memory/rss", Value: schema.Int(2)}), // Heapster's 2.0
			row(executor, "accelerator_id:GPU-1,make:nvidia,model:tesla:k80",
				schema.Reading{Metric: "accelerator/duty_cycle", Value: schema.Int(100)}),
		}},
		{Entity: machine, NamespaceID: "uid-d", BaseImage: "web:1",
			Rows: []schema.Row{row(machine, "", schema.Reading{Metric: "memory/rss", Value: schema.Real(1e300)})}},
		{Entity: schema.ContainerEntity("", "web-1", "idle")},
		{Entity: node, Node: "n1", Hostname: "n1", Rows: []schema.Row{
			row(node, "",
				schema.Reading{Metric: "cpu/usage", Value: schema.Int(math.MaxInt64)},
				schema.Reading{Metric: "memory/usage", Value: schema.Int(-1)},
				schema.Reading{Metric: "uptime", Value: schema.Int(3600_000)}),
			row(node, "resource_id:/dev/sda1",
				schema.Reading{Metric: "filesystem/limit", Value: schema.Int(2)},
				schema.Reading{Metric: "filesystem/usage", Value: schema.Int(1)}),
			row(node, "resource_id:/dev/sdb1",
				schema.Reading{Metric: "filesystem/limit", Value: schema.Int(4)},
				schema.Reading{Metric: "filesystem/usage", Value: schema.Int(3)}),
		}},
		{Entity: odd, Node: "n1", Hostname: "n1",
			Rows: []schema.Row{row(odd, "", schema.Reading{Metric: "memory/usage", Value: schema.Int(9007199254740993)})}},
		{Entity: slice, Node: "n1", Hostname: "n1",
			Rows: []schema.Row{row(slice, "", schema.Reading{Metric: "memory/usage", Value: schema.Real(2.5)})}},
	}
	_, c := simulate(t, heapsim.Options{}, heapster.Options{}, batch)
	got, err := export(t.Context(), c)
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %d, %v; want %d", len(got), err, len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("got %+v; want %+v", got[i], want[i])
		}
	}
}

// Each value of a generated cluster is exported once and unchanged. Limits.Answer does
// not apply to the unzipped export.
func TestExportOfACluster(t *testing.T) {
	batch := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Pods: 60}).Next(stamp.Time())
	_, c := simulate(t, heapsim.Options{}, heapster.Options{Limits: wire.Limits{Answer: 1000}}, batch)
	type key struct {
		entity schema.Entity // without a namespace
		pod    string        // its UID
	}
	fed := make(map[key]heapsim.Set)
	for _, set := range batch.Sets {
		if kind := set.Entity.Kind; kind != schema.Cluster && kind != schema.Namespace {
			set.Entity.Namespace = ""
			fed[key{set.Entity, set.Attributes["pod_id"]}] = set
		}
	}
	sets, err := export(t.Context(), c)
	if err != nil || len(sets) != len(fed) {
		t.Fatalf("%d of %d, %v", len(sets), len(fed), err)
	}
	for _, e := range sets {
		set, ok := fed[key{e.Entity, e.PodUID}]
		if !ok || e.NamespaceID != set.Attributes["namespace_id"] || e.Node != set.Attributes["nodename"] || e.PodLabels != set.Attributes["labels"] {
			t.Fatalf("got %+v", e)
		}
		labelled := 0
		for _, row := range e.Rows {
			for _, reading := range row.Readings {
				want, plain := set.Values[reading.Metric], row.Entity.Labels == ""
				if !plain {
					labelled++
					for _, l := range set.Labelled {
						if l.Metric == reading.Metric && strings.HasSuffix(row.Entity.Labels, l.Labels["resource_id"]) {
							want = l.Value
						}
					}
				}
				if _, whole := want.Int64(); row.At != stamp || reading.Value.Float64() != want.Float64() || whole && reading.Value != want {
					t.Errorf("%s of %s: got %s at %s; want %s", reading.Metric, row.Entity, reading.Value, row.At, want)
				}
			}
		}
		if labelled != len(set.Labelled) {
			t.Errorf("%s: %d labelled values; want %d", e.Entity, labelled, len(set.Labelled))
		}
	}
}

func TestExportOfNothing(t *testing.T) {
	none := heapsim.Batch{At: stamp.Time(), Sets: []heapsim.Set{{Entity: schema.NodeEntity("n1")}}}
	server, c := simulate(t, heapsim.Options{}, heapster.Options{})
	if sets, err := export(t.Context(), c); len(sets) != 0 || err != nil {
		t.Errorf("before the first batch: %v, %v", sets, err)
	}
	server.Feed(none)
	if sets, err := export(t.Context(), c); len(sets) != 1 || err != nil {
		t.Errorf("of a node without metrics: %v, %v", sets, err)
	}
	_, c = simulate(t, heapsim.Options{ExportDisabled: true}, heapster.Options{}, none)
	if sets, err := export(t.Context(), c); len(sets) != 0 || err != schema.ErrExportDisabled {
		t.Errorf("disabled: %v, %v", sets, err)
	}
}

func TestExportIsRepeated(t *testing.T) {
	batch := heapsim.NewCluster(heapsim.ClusterOptions{Pods: 5}).Next(stamp.Time())
	server, c := simulate(t, heapsim.Options{}, heapster.Options{Tries: 2}, batch)
	whole, err := export(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]heapstertest.Fault{"truncated": heapstertest.Truncate(20_000), "cut": heapstertest.Cut(20_000)} {
		server.Inject("metric-export", 1, fault)
		again, err := export(t.Context(), c)
		if err != nil || len(again) <= len(whole) {
			t.Errorf("%s once: %d visits, %v; %d would be those of one try", name, len(again), err, len(whole))
		}
		server.Inject("metric-export", 2, fault)
		_, err = export(t.Context(), c)
		heapstertest.CheckError(t, err, schema.ErrProtocol, "the answer ends early", "cuts answers short")
	}
}

func TestExportStops(t *testing.T) {
	batch := heapsim.NewCluster(heapsim.ClusterOptions{}).Next(stamp.Time())
	server, c := simulate(t, heapsim.Options{}, heapster.Options{}, batch)
	visits, full := 0, errors.New("full")
	err := c.Export(t.Context(), func(schema.Exported) error {
		if visits++; visits == 3 {
			return full
		}
		return nil
	})
	if err != full || visits != 3 || server.Requests() != 1 {
		t.Errorf("got %v after %d visits, %d requests", err, visits, server.Requests())
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Export(ctx, func(schema.Exported) error { cancel(); return nil }); err != nil && err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if err := c.Export(ctx, nil); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestExportRefuses(t *testing.T) {
	set := func(point string) string {
		return `[{"metrics":{"memory/usage":[` + point + `]},"labels":{"container_name":"machine","nodename":"n1"}}]`
	}
	for body, message := range map[string]string{
		`{"kind":"Status"}`: "JSON object where an array belongs",
		`["a"]`:             "JSON string where an object belongs",
		`[{}]`:              "without metrics",
		`[{"labels":{"container_name":"machine","nodename":"n1"}}]`: "without metrics",
		`[{"metrics":{}}]`: `container "", pod "", node ""`,
		`[{"metrics":{},"labels":{"container_name":"machine"}}]`:        `container "machine", pod "", node ""`,
		`[{"metrics":{},"labels":{"pod_name":"p","nodename":"n"}}]`:     `container "", pod "p", node "n"`,
		`[{"metrics":{},"labels":{"container_name":1,"nodename":"n"}}]`: "number where string belongs",
		`[] []`:                               "more than one",
		set(`{"value":1}`):                    "without an end or a value",
		set(`{"end":"2017-09-27T07:09:00Z"}`): "without an end or a value",
		set(`{"end":"2017-09-27T07:09:00Z","value":null}`):                                "without an end or a value",
		set(`{"end":"2017-09-27T07:09:00Z","value":"7"}`):                                 "where a number belongs",
		set(`{"end":"2017-09-27T07:09:00Z","value":{}}`):                                  "where a number or a text belongs",
		set(`{"end":"2017-09-27T07:09:00Z","value":1e999}`):                               "where a number belongs",
		set(`{"end":"2017-09-27T07:09:00Z","value":1}` + "," + strings.Repeat(" ", 5000)): "an answer of more than 4 kB",
		"<html>": "a web page",
	} {
		c := heapstertest.Serve(t, heapster.Options{Limits: wire.Limits{Export: 4000}}, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) })
		_, err := export(t.Context(), c)
		if err == nil || !errors.Is(err, schema.ErrProtocol) || !strings.Contains(err.Error(), message) {
			t.Errorf("%.99s: got %v; want %q", body, err, message)
		}
		if requests, _ := c.Traffic(); requests != 1 {
			t.Errorf("%.99s: %d requests", body, requests)
		}
	}
}

// The visitor gets the first set before the server sends the second.
func TestExportHoldsOneSet(t *testing.T) {
	set := `{"metrics":{},"labels":{"container_name":"kubelet","nodename":"n1","labels":"` + strings.Repeat("a", 20_000) + `"}}`
	met := make(chan struct{})
	c := heapstertest.Serve(t, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "["+set+","+set[:len(set)/2])
		http.NewResponseController(w).Flush()
		<-met
		io.WriteString(w, set[len(set)/2:]+"]")
	})
	visits := 0
	err := c.Export(t.Context(), func(e schema.Exported) error {
		if visits++; visits == 1 {
			close(met)
		}
		return nil
	})
	if err != nil || visits != 2 {
		t.Errorf("%d visits, %v", visits, err)
	}
}

func BenchmarkExport(b *testing.B) {
	const pods, containers = 1000, 2
	batch := heapsim.NewCluster(heapsim.ClusterOptions{Nodes: 30, Pods: pods, Containers: containers}).Next(stamp.Time())
	sim, _ := simulate(b, heapsim.Options{}, heapster.Options{}, batch)
	request := httptest.NewRequest(http.MethodGet, "/api/v1/metric-export", nil)
	plain, zipped := httptest.NewRecorder(), httptest.NewRecorder()
	sim.ServeHTTP(plain, request)
	request.Header.Set("Accept-Encoding", "gzip")
	sim.ServeHTTP(zipped, request)
	c := heapstertest.Serve(b, heapster.Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped.Body.Bytes())
	})
	b.SetBytes(int64(plain.Body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		sets := 0
		err := c.Export(b.Context(), func(schema.Exported) error { sets++; return nil })
		if err != nil || sets < pods*(1+containers) {
			b.Fatal(sets, err)
		}
	}
}

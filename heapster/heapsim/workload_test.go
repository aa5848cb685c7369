package heapsim_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

func shop() heapsim.ClusterOptions {
	return heapsim.ClusterOptions{Seed: 3, Nodes: 2, NodeFilesystems: []string{"/", "/data"}, FullNodes: 1, Workloads: []heapsim.Workload{
		{Namespace: "kube-system", Name: "etcd", CPU: 20, Memory: 50 << 20, Network: 100},
		{Namespace: "shop", Kind: "Deployment", Name: "api", Replicas: 3, CPU: 100, Memory: 100 << 20, Network: 1000, CPURequest: 250, Sidecars: []string{"proxy"}},
		{Namespace: "shop", Kind: "StatefulSet", Name: "web", Replicas: 2, CPU: 100, Memory: 100 << 20, Volume: true,
			Growth: func(at time.Time) float64 { return 1 + at.Sub(start).Hours() },
			Load:   func(at time.Time) float64 { return 1 + at.Sub(start).Hours() },
			Custom: map[schema.MetricName]func(time.Time) int64{"custom/queue_length": func(at time.Time) int64 { return at.Unix() }}},
	}}
}

// TestSkip: the next batches are the same, whether batches were made or skipped.
func TestSkip(t *testing.T) {
	made, skipped := heapsim.NewCluster(shop()), heapsim.NewCluster(shop())
	for i := range 100 {
		at := start.Add(time.Duration(i) * time.Minute)
		if i == 50 {
			for _, c := range []*heapsim.Cluster{made, skipped} {
				c.Churn(1)
				c.Recreate(schema.PodEntity("shop", "web-0"))
				c.Rollout("shop", "api")
			}
		}
		made.Next(at)
		skipped.Skip(at)
	}
	at := start.Add(100 * time.Minute)
	if a, b := made.Next(at), skipped.Next(at); !reflect.DeepEqual(a, b) {
		t.Error("they differ")
	}
}

// TestWorkloads: a workload decides the names, sizes and changes of its pods.
func TestWorkloads(t *testing.T) {
	c := heapsim.NewCluster(shop())
	sets := func(at time.Time) map[schema.Entity]heapsim.Set {
		all := make(map[schema.Entity]heapsim.Set)
		for _, set := range c.Next(at).Sets {
			all[set.Entity] = set
		}
		return all
	}
	web, etcd := schema.PodEntity("shop", "web-0"), schema.PodEntity("kube-system", "etcd")
	first := sets(start)
	if got := len(c.Pods()); got != 6 {
		t.Errorf("%d pods", got)
	}
	for _, e := range []schema.Entity{etcd, web, schema.ContainerEntity("shop", "web-0", "web"), schema.NodeEntity("node-001")} {
		if _, there := first[e]; !there {
			t.Errorf("there is no %v", e)
		}
	}
	if i, found := c.Identity(web); !found || i.Owner != (schema.Owner{Kind: "StatefulSet", Name: "web"}) || i.UID != first[web].Attributes["pod_id"] ||
		i.Images != "web=registry.example.com/web:1.4" || i.Node == "" || i.Labels != "app:web" {
		t.Errorf("web-0 is %+v", i)
	}
	if i, found := c.Identity(etcd); !found || i.Owner != (schema.Owner{}) {
		t.Errorf("etcd is %+v", i)
	}
	if v := first[web].Values["custom/queue_length"]; v != schema.Int(start.Unix()) {
		t.Errorf("the queue's length is %v", v)
	}
	var full float64
	for _, l := range first[schema.NodeEntity("node-002")].Labelled {
		if l.Labels["resource_id"] == "/" && l.Metric == "filesystem/usage" {
			full = l.Value.Float64() / (100 << 30)
		}
	}
	if full < 0.8 || full > 0.9 {
		t.Errorf("the last node's file system is full to %.2f", full)
	}

	for minute := range 600 {
		c.Skip(start.Add(time.Duration(minute) * time.Minute))
	}
	before := c.Pods()
	if !c.Rollout("shop", "api") || c.Rollout("shop", "nothing") || !c.Crash(web) || c.Crash(schema.PodEntity("shop", "none")) {
		t.Error("what there is not was rolled out or restarted, or the other way round")
	}
	later := sets(start.Add(10 * time.Hour))
	if a, b := first[web].Values["memory/rss"].Float64(), first[etcd].Values["memory/rss"].Float64(); a < b {
		t.Errorf("web-0 has %v and etcd %v", a, b)
	}
	if v := later[web].Values["restart_count"]; v != schema.Int(1) {
		t.Errorf("web-0 was restarted %v times", v)
	}
	if v := later[web].Values["cpu/usage_rate"].Float64(); v < 500 {
		t.Errorf("web-0 uses %v millicores at eleven times its load", v)
	}
	for _, pod := range c.Pods() {
		if kept := slices.Contains(before, pod); kept == (pod.Namespace == "shop" && pod.Pod[:3] == "api") {
			t.Errorf("%v was there before its rollout: %v", pod, kept)
		}
	}
}

package main

import (
	"context"
	"math"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

// made makes an archive of 26 and a half hours from 2017-09-27T00:00:00Z on, a
// batch every ten minutes, rolled up: always the same.
//
//	shop/web-0, shop/web-1    the course of a day; web-1 has a third of it, from 06:00 on, and its counter is reset at noon
//	ml/train-0                busy in every third hour
//	                          web-0 and web-1 are of StatefulSet web, train-0 is of Job train; all are on n1, but web-1 is on n2 from noon on
//	n1                        the sum of the pods, and two file systems
func (*world) made(ts *testscript.TestScript, args []string) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, ts.MkAbs(args[0]), sqlite.Options{})
	ts.Check(err)
	pass, err := store.BeginPass(ctx, archive.Pass{Cluster: "default"})
	ts.Check(err)
	const begin, step, batches = schema.Instant(1506470400), 10 * time.Minute, 159
	rows := make([]schema.Row, 0, batches*8)
	received := make(map[schema.Entity]int64)
	for i := range batches {
		at := begin.Add(time.Duration(i) * step)
		course := int64(500 + 400*math.Sin(float64(i)/24))
		use := map[schema.Entity]int64{schema.PodEntity("shop", "web-0"): course, schema.PodEntity("ml", "train-0"): 0}
		if i/6%3 == 0 {
			use[schema.PodEntity("ml", "train-0")] = 2000
		}
		if i >= 36 {
			use[schema.PodEntity("shop", "web-1")] = course / 3
		}
		add := func(e schema.Entity, readings ...schema.Reading) {
			rows = append(rows, schema.Row{Entity: e, At: at, Readings: readings})
		}
		is := func(m schema.MetricName, v int64) schema.Reading {
			return schema.Reading{Metric: m, Value: schema.Int(v)}
		}
		var total int64
		sums := make(map[string]int64)
		for pod, v := range use {
			total += v
			sums[pod.Namespace] += v
			received[pod] += v * 600
			if i == 72 && pod.Pod == "web-1" {
				received[pod] = 60
			}
			add(pod, is("cpu/usage_rate", v), is("memory/working_set", v<<20), is("network/rx", received[pod]), is("custom/queue_length", v/100))
		}
		for namespace, v := range sums {
			add(schema.NamespaceEntity(namespace), is("cpu/usage_rate", v))
		}
		add(schema.ClusterEntity(), is("cpu/usage_rate", total))
		add(schema.NodeEntity("n1"), is("cpu/usage_rate", total), is("memory/working_set", total<<20), is("cpu/usage", total*600_000_000))
		for resource, v := range map[string]int64{"/": 40, "/var": 7} {
			disk := schema.NodeEntity("n1")
			disk.Labels = "resource_id:" + resource
			add(disk, is("filesystem/usage", v<<30+int64(i)<<24))
		}
	}
	_, err = store.Write(ctx, archive.Batch{Pass: pass, Cluster: "default", Rows: rows, Horizon: begin.Add((batches - 1) * step)})
	ts.Check(err)
	web, train := schema.Owner{Kind: "StatefulSet", Name: "web"}, schema.Owner{Kind: "Job", Name: "train"}
	_, err = store.Write(ctx, archive.Batch{Pass: pass, Cluster: "default", Horizon: begin.Add((batches - 1) * step), Identities: []schema.Identity{
		{Pod: schema.PodEntity("shop", "web-0"), UID: "u1", Node: "n1", Labels: "app:web,tier:front", Owner: web, Since: begin},
		{Pod: schema.PodEntity("shop", "web-1"), UID: "u2", Node: "n1", Labels: "app:web", Owner: web, Since: begin.Add(36 * step)},
		{Pod: schema.PodEntity("shop", "web-1"), UID: "u3", Node: "n2", Labels: "app:web", Owner: web, Since: begin.Add(72 * step)},
		{Pod: schema.PodEntity("ml", "train-0"), UID: "u4", Node: "n1", Labels: "app:train", Owner: train, Since: begin},
	}})
	ts.Check(err)
	_, err = store.Upkeep(ctx, begin.Add(batches*step))
	ts.Check(err)
	ts.Check(store.Close())
}

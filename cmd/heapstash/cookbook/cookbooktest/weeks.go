package cookbooktest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// weeks makes up some weeks of samples, until the end, a batch a day.
func weeks() (days []archive.Batch, end schema.Instant) {
	const step = 1200
	random := rand.New(rand.NewPCG(7, 7))
	begin := schema.InstantOf(time.Date(2018, 5, 28, 7, 0, 0, 0, time.UTC))
	end = begin + 18*86400
	received := make(map[string]int64)
	row := func(e schema.Entity, at schema.Instant, readings ...any) schema.Row {
		r := schema.Row{Entity: e, At: at}
		for i := 0; i < len(readings); i += 2 {
			r.Readings = append(r.Readings, schema.Reading{Metric: schema.MetricName(readings[i].(string)), Value: readings[i+1].(schema.Value)})
		}
		return r
	}
	some := func(from, to int64) schema.Value { return schema.Int(from + random.Int64N(to-from)) }
	var rows []schema.Row
	var identities []schema.Identity
	vanished := make(map[schema.Entity]schema.Instant)
	for at := begin; at < end; at += step {
		growing := int64(at-begin) * 300
		if random.IntN(20) > 0 {
			rows = append(rows, row(schema.ClusterEntity(), at, "cpu/usage_rate", some(0, 5000)))
		}
		for n, namespace := range []string{"shop", "ml", "jobs"} {
			rows = append(rows, row(schema.NamespaceEntity(namespace), at, "cpu/usage_rate", some(0, 500), "memory/usage", some(int64(n)<<28+growing, int64(n)<<28+growing+1<<26)))
			for p := range 4 {
				pod := schema.PodEntity(namespace, fmt.Sprintf("web-%d", p))
				if at == begin || p == 1 && (at-begin)%(86400*3) == 0 {
					identities = append(identities, schema.Identity{Pod: pod, UID: fmt.Sprint(namespace, p, at), Node: "n1", Since: at,
						Owner: []schema.Owner{{Kind: "Deployment", Name: "web"}, {Kind: "StatefulSet", Name: "db"}, {}}[(n+p)%3]})
				}
				if at > end-3*86400 && p == 3 && n < 2 {
					vanished[pod] = end - 3*86400 - schema.Instant(n)*step // gone
					continue
				}
				if p == 2 && at%86400 < 40000 || random.IntN(50) == 0 {
					continue
				}
				if received[pod.String()] += int64(p * random.IntN(40000)); random.IntN(400) == 0 {
					received[pod.String()] = 5
				}
				busy := int64(9)
				if p > 0 {
					busy += int64(at-begin) / 4000 * int64(p)
				}
				readings := []any{"cpu/usage_rate", some(0, busy), "cpu/request", schema.Int(int64(100 * (n + p))),
					"memory/request", schema.Int(1 << 28), "network/rx", schema.Int(received[pod.String()]),
					"network/tx", schema.Int(received[pod.String()] * 3), "restart_count", schema.Int(int64(at-begin) / 86400 % 5 * int64(p))}
				if p != 3 || random.IntN(30) > 0 {
					readings = append(readings, "memory/working_set", some(1<<27, 1<<28+int64(p)<<24))
				}
				rows = append(rows, row(pod, at, readings...))
			}
		}
		for n := range 2 {
			node := schema.NodeEntity(fmt.Sprintf("n%d", n))
			rows = append(rows, row(node, at, "cpu/usage_rate", some(100, 3000), "cpu/request", some(1000, 2000), "cpu/node_allocatable", schema.Int(int64(4000+n)),
				"memory/request", some(1<<30, 1<<31), "memory/working_set", some(1<<30, 1<<32), "memory/node_allocatable", schema.Real(float64(int64(8)<<30))))
		}
		rows = append(rows, odd(at)...)
		if at%86400 == 0 || at+step >= end {
			b := archive.Batch{Cluster: "default", Rows: rows, Horizon: at, Identities: identities, Vanished: vanished}
			if at%(86400*4) == 0 {
				b.NamespaceLabels = map[string]string{"shop": fmt.Sprint("team:", at/86400%2)}
				b.Holes = []archive.Hole{{Entity: schema.PodEntity("shop", ""), Cause: archive.CauseLate, Detail: "late", Window: schema.Window{From: at - 900, To: at - 1}}}
			}
			days = append(days, b)
			rows, identities, vanished = nil, nil, make(map[schema.Entity]schema.Instant)
		}
	}
	return days, end
}

// odd returns rows of every other kind of entity and metric, a conflict among them.
func odd(at schema.Instant) (rows []schema.Row) {
	if at%(86400*3) != 0 {
		return nil
	}
	add := func(e schema.Entity, labels string, metric schema.MetricName, v schema.Value) {
		e.Labels = labels
		rows = append(rows, schema.Row{Entity: e, At: at, Readings: []schema.Reading{{Metric: metric, Value: v}}})
	}
	node, app := schema.NodeEntity("n1"), schema.ContainerEntity("shop", "web-1", "app")
	add(app, "", "memory/usage", schema.Int(int64(at)))
	add(app, "", "memory/usage", schema.Int(int64(at)-1))
	add(schema.SystemContainerEntity("n1", "kubelet"), "", "cpu/usage", schema.Int(1<<60))
	add(app, "accelerator_id:1,2,make:n,model:k80", "accelerator/duty_cycle", schema.Int(50))
	add(node, "resource_id:/", "filesystem/usage", schema.Int(-5))
	add(node, "resource_id:/dev/sda1", "disk/io_read_bytes", schema.Int(7))
	add(node, "", "cpu/node_utilization", schema.Real(0.25))
	add(schema.PodEntity("日本", "we'b"), "", "custom/a/b \"ü", schema.Real(0.1))
	add(schema.PodEntity("日本", "we'b"), "", "custom/a/b \"ü", schema.Int(3))
	add(schema.NamespaceEntity("日本"), "odd:label", "memory/usage", schema.Real(0.5))
	return rows
}

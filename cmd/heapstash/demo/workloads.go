package demo

import (
	"fmt"
	"math"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// The made-up cluster. The examples of the documents use its names.
const (
	nodes      = 3
	nodeCPU    = 4000           // millicores
	nodeMemory = 16_829_865_984 // bytes

	mib = 1 << 20
)

func newCluster(begin time.Time) *heapsim.Cluster {
	return heapsim.NewCluster(heapsim.ClusterOptions{
		Seed:  seed,
		Nodes: nodes, NodeCPU: nodeCPU, NodeMemory: nodeMemory, FullNodes: 1,
		NodeName:               func(n int) string { return fmt.Sprintf("node-%02d", n) },
		Workloads:              workloads(begin),
		NodeFilesystems:        []string{"/", "/var/lib/docker"},
		SystemContainers:       2,
		Disks:                  1,
		NoAccelerators:         true,
		NoContainerFilesystems: true, // they would be half of all rows
	})
}

// workloads returns the workloads of the cluster. The archive shows that
//
//   - shop grows, because something leaks in its api from the third day on
//   - search/reports idles, and requests half a core
//   - payments/api requests ten times what it uses
//   - payments/worker has three times as much to do from the third day on
//   - users sleep at night, and buy less at weekends
func workloads(begin time.Time) []heapsim.Workload {
	after := func(days float64) time.Time { return begin.Add(time.Duration(days * float64(24*time.Hour))) }
	leak := func(at time.Time) float64 {
		days := at.Sub(after(2)).Hours() / 24
		return 1 + min(max(days, 0)/4, 2.5)
	}
	busier := func(at time.Time) float64 {
		if at.Before(after(2)) {
			return 1
		}
		return 3
	}
	queue := func(at time.Time) int64 {
		// The queue is longest a while after most is sold; it always moves.
		wave := 1 + math.Sin(float64(at.Unix())/700)
		return int64(40*heapsim.Daily(at.Add(-time.Hour))*heapsim.Daily(at.Add(-time.Hour)) + 6*wave)
	}
	return []heapsim.Workload{
		{Namespace: "kube-system", Name: "etcd-cluster00", CPU: 45, Memory: 180 * mib, Network: 3000,
			CPURequest: 100, MemoryRequest: 256 * mib},
		{Namespace: "kube-system", Kind: "Deployment", Name: "kube-dns", Replicas: 2, CPU: 12, Memory: 30 * mib, Network: 1500,
			CPURequest: 100, MemoryRequest: 70 * mib, MemoryLimit: 170 * mib, Sidecars: []string{"dnsmasq"}},
		{Namespace: "kube-system", Kind: "Deployment", Name: "heapster", CPU: 60, Memory: 120 * mib, Network: 9000,
			CPURequest: 80, MemoryRequest: 140 * mib},

		{Namespace: "shop", Kind: "Deployment", Name: "api", Replicas: 3, CPU: 180, Memory: 280 * mib, Network: 20_000,
			CPURequest: 250, CPULimit: 1000, MemoryRequest: 512 * mib, MemoryLimit: 2048 * mib, Load: heapsim.Daily, Growth: leak},
		{Namespace: "shop", Kind: "StatefulSet", Name: "web", Replicas: 2, CPU: 240, Memory: 260 * mib, Network: 40_000,
			CPURequest: 300, CPULimit: 1000, MemoryRequest: 512 * mib, Volume: true, Load: heapsim.Daily,
			Custom: map[schema.MetricName]func(time.Time) int64{"custom/queue_length": queue}},

		{Namespace: "payments", Kind: "Deployment", Name: "api", Replicas: 2, CPU: 55, Memory: 150 * mib, Network: 6000,
			CPURequest: 1000, CPULimit: 2000, MemoryRequest: 1024 * mib, MemoryLimit: 1024 * mib, Load: heapsim.Daily},
		{Namespace: "payments", Kind: "Deployment", Name: "worker", Replicas: 2, CPU: 60, Memory: 110 * mib, Network: 2500,
			CPURequest: 200, MemoryRequest: 256 * mib, Load: busier},

		{Namespace: "search", Kind: "Deployment", Name: "api", Replicas: 3, CPU: 120, Memory: 320 * mib, Network: 15_000,
			CPURequest: 200, MemoryRequest: 256 * mib, Load: heapsim.Daily},
		{Namespace: "search", Kind: "StatefulSet", Name: "index", Replicas: 2, CPU: 90, Memory: 900 * mib, Network: 8000,
			CPURequest: 300, MemoryRequest: 1024 * mib, MemoryLimit: 1536 * mib, Volume: true},
		{Namespace: "search", Kind: "Deployment", Name: "reports", CPU: 0.5, Memory: 210 * mib, Idle: true,
			CPURequest: 500, MemoryRequest: 512 * mib},
	}
}

// teams returns the labels of the namespaces.
func teams() map[string]string {
	return map[string]string{"kube-system": "team:platform", "shop": "team:store", "payments": "team:money", "search": "team:store"}
}

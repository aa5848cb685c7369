package heapsim

import (
	"math/rand/v2"
	"time"

	"heapstash/schema"
)

// node simulates a node, with its system containers.
type node struct {
	entity     schema.Entity
	age        time.Duration // its age at the first batch
	since      time.Time
	attributes map[string]string

	millicores, memory, storage int64 // capacity; bytes
	system                      []*systemContainer
	network                     network
	filesystems                 []*filesystem
	disks                       []*disk
	gpu                         *accelerator // nil: none
	pods                        int          // the number of pods on it
	late                        int64        // see uptime

	// Sums over the pods and the system containers.
	sum       meter
	resources resources
}

// systemContainer simulates a container that belongs to no pod.
type systemContainer struct {
	entity schema.Entity
	meter  meter
	late   int64 // see uptime
}

// systemContainers are the containers of every node, with their mean millicores and
// megabytes.
var systemContainers = [...]struct {
	name             string
	millicores, size int64
}{{"docker-daemon", 80, 400}, {"kube-proxy", 10, 40}, {"kubelet", 120, 200}, {"system", 60, 300}}

func newNode(r *rand.Rand, name string, age time.Duration) *node {
	n := &node{
		entity:     schema.NodeEntity(name),
		age:        age,
		attributes: map[string]string{"nodename": name, "hostname": name, "host_id": "i-" + hexadecimal(r, 17)},
		millicores: 8000, memory: 67_436_544_000, storage: 107_361_579_008,
		network: newNetwork(r, 20_000, age),
		filesystems: []*filesystem{
			newFilesystem(r, "/dev/sda1", 100<<30, 0.95),
			newFilesystem(r, "/dev/sdb1", 500<<30, 0.3),
		},
		disks: []*disk{newDisk(r, "/dev/sda"), newDisk(r, "/dev/sdb")},
	}
	for _, s := range systemContainers {
		h := habit{millicores: float64(s.millicores), pages: s.size << 20 / pageSize}
		n.system = append(n.system, &systemContainer{entity: schema.SystemContainerEntity(name, s.name), meter: newMeter(r, h, age)})
	}
	// Two cores on average since it started: after 52 days beyond 2^53 ns.
	n.sum.cpu.total = int64(2e9 * age.Seconds())
	n.sum.faults.total = int64(500 * age.Seconds())
	n.sum.majorFaults.total = r.Int64N(100_000)
	return n
}

// step moves the node on by dt, without its pods.
func (n *node) step(r *rand.Rand, at time.Time, dt time.Duration) {
	if n.since.IsZero() {
		n.since = at.Add(-n.age)
	}
	n.sum.sum()
	n.resources = resources{}
	for _, s := range n.system {
		s.meter.step(r, dt)
		s.late = r.Int64N(longestDelay)
		n.sum.add(&s.meter)
	}
	n.late = r.Int64N(longestDelay)
	n.network.step(r, dt)
	for _, f := range n.filesystems {
		f.step(r)
	}
	for _, d := range n.disks {
		d.step(r, dt)
	}
}

// carry adds a pod to the node, after the pod's step, with its traffic.
func (n *node) carry(p *pod) {
	n.sum.add(&p.sum)
	n.sum.rated = true
	n.resources.add(p.resources)
	n.network.rx.add(p.network.rx)
	n.network.tx.add(p.network.tx)
}

// set returns the node's set in a batch. The node's capacity, its allocatable
// resources and their shares are floats in Heapster.
func (n *node) set(at time.Time, dt time.Duration, o ClusterOptions) Set {
	to := make(values, 48)
	n.sum.writeGauges(to, dt)
	n.sum.writeCounters(to)
	n.network.write(to, dt, true)
	n.resources.writeCompute(to)
	n.resources.writeStorage(to)
	used := n.filesystems[0].usage
	to["ephemeral_storage/usage"] = schema.Int(used)
	to["uptime"] = uptime(at, n.since, n.late)

	const reserved = 100 // millicores, and MB
	share := func(resource schema.MetricName, capacity, allocatable, used, requested int64) {
		to[resource+"/node_capacity"] = schema.Real(float64(capacity))
		to[resource+"/node_allocatable"] = schema.Real(float64(allocatable))
		to[resource+"/node_utilization"] = schema.Real(float64(used) / float64(allocatable))
		to[resource+"/node_reservation"] = schema.Real(float64(requested) / float64(allocatable))
	}
	share("cpu", n.millicores, n.millicores-reserved, n.sum.load, n.resources.cpuRequest)
	share("memory", n.memory, n.memory-reserved<<20, n.sum.usage(), n.resources.memoryRequest)
	share("ephemeral_storage", n.storage, n.storage*9/10, used, n.resources.storageRequest)

	set := Set{Entity: n.entity, Since: n.since, Values: to, Attributes: n.attributes}
	if !o.NoFilesystems {
		for _, f := range n.filesystems {
			set.Labelled = f.appendTo(set.Labelled)
		}
	}
	if !o.NoDisks {
		for _, d := range n.disks {
			set.Labelled = d.appendTo(set.Labelled, dt)
		}
	}
	return set
}

// systemSet returns the set of one of the node's system containers.
func (n *node) systemSet(s *systemContainer, at time.Time, dt time.Duration) Set {
	to := make(values, 16)
	s.meter.writeGauges(to, dt)
	s.meter.writeCounters(to)
	to["uptime"] = uptime(at, n.since, s.late)
	return Set{Entity: s.entity, Since: n.since, Values: to, Attributes: n.attributes}
}

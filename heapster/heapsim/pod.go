package heapsim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"heapstash/schema"
)

// pod simulates a pod and its containers.
type pod struct {
	entity     schema.Entity
	app        string
	stateless  bool      // a successor has another name
	of         *workload // nil: random
	node       *node
	age        time.Duration // its age at its first batch
	since      time.Time     // zero before its first batch
	attributes map[string]string
	containers []*container
	network    network
	volume     *filesystem // nil: none

	// Sums over the containers, from step.
	sum       meter
	resources resources
	storage   int64 // ephemeral_storage/usage, in bytes
	restarts  int64
	late      int64 // see uptime
}

// container simulates one container of a pod.
type container struct {
	name       string
	attributes map[string]string
	meter      meter
	resources  resources
	restarts   int64
	storage    int64
	writes     bool // its storage grows
	root, logs *filesystem
	gpu        *accelerator // nil: none
	late       int64        // see uptime
}

// resources are the constant requests and limits of a container, in millicores,
// bytes and devices.
type resources struct {
	cpuRequest, cpuLimit         int64
	memoryRequest, memoryLimit   int64
	storageRequest, storageLimit int64
	accelerators                 int64
}

func (r *resources) add(other resources) {
	r.cpuRequest += other.cpuRequest
	r.cpuLimit += other.cpuLimit
	r.memoryRequest += other.memoryRequest
	r.memoryLimit += other.memoryLimit
	r.storageRequest += other.storageRequest
	r.storageLimit += other.storageLimit
	r.accelerators += other.accelerators
}

// writeCompute writes the metrics that namespaces and the cluster have too.
func (r *resources) writeCompute(to values) {
	to["cpu/request"] = schema.Int(r.cpuRequest)
	to["cpu/limit"] = schema.Int(r.cpuLimit)
	to["memory/request"] = schema.Int(r.memoryRequest)
	to["memory/limit"] = schema.Int(r.memoryLimit)
}

func (r *resources) writeStorage(to values) {
	to["ephemeral_storage/request"] = schema.Int(r.storageRequest)
	to["ephemeral_storage/limit"] = schema.Int(r.storageLimit)
}

func newContainer(r *rand.Rand, i int, idle bool, age time.Duration) *container {
	h := habit{millicores: 40 * math.Exp(r.NormFloat64()), pages: 5000 + r.Int64N(60000), idle: idle}
	if idle {
		h.millicores = 0.5
	}
	c := &container{
		name:   "app",
		meter:  newMeter(r, h, age),
		writes: r.Float64() < 0.4,
		root:   newFilesystem(r, "/", 100<<30, 0.3),
		logs:   newFilesystem(r, "logs", 100<<30, 0.5),
	}
	if i > 0 {
		c.name = fmt.Sprintf("sidecar-%d", i)
	}
	if r.Float64() < 0.7 {
		c.resources.cpuRequest = 50 << r.Int64N(4)
		c.resources.memoryRequest = 64 << 20 << r.Int64N(4)
	}
	if r.Float64() < 0.5 {
		c.resources.cpuLimit = 200 << r.Int64N(4)
		c.resources.memoryLimit = 256 << 20 << r.Int64N(4)
	}
	if r.Float64() < 0.1 {
		c.resources.storageRequest, c.resources.storageLimit = 1<<30, 4<<30
	}
	if age > 0 && r.Float64() < 0.1 {
		c.restarts = 1 + r.Int64N(5)
	}
	c.storage = r.Int64N(1000) * pageSize
	return c
}

// step moves the pod on by dt.
func (p *pod) step(r *rand.Rand, at time.Time, dt time.Duration) {
	if p.since.IsZero() {
		p.since = at.Add(-p.age)
	} else {
		for _, c := range p.containers {
			c.meter.rated = true
		}
	}
	p.follow(at)
	p.late = r.Int64N(longestDelay)
	p.network.step(r, dt)
	if p.volume != nil {
		p.volume.step(r)
	}
	p.sum.sum()
	p.resources, p.storage, p.restarts = resources{}, 0, 0
	for _, c := range p.containers {
		c.meter.step(r, dt)
		c.late = r.Int64N(longestDelay)
		c.root.step(r)
		c.logs.step(r)
		if c.gpu != nil {
			c.gpu.step(r)
		}
		if c.writes && r.Float64() < 0.5 {
			c.storage += (1 + r.Int64N(8)) * pageSize
		}
		p.sum.add(&c.meter)
		p.resources.add(c.resources)
		p.storage += c.storage
		p.restarts += c.restarts
	}
}

// write writes the resources, with the usage of storage and the restarts.
func (r *resources) write(to values, storage, restarts int64) {
	r.writeCompute(to)
	r.writeStorage(to)
	to["ephemeral_storage/usage"] = schema.Int(storage)
	to["accelerator/request"] = schema.Int(r.accelerators)
	to["restart_count"] = schema.Int(restarts)
}

// set returns the pod's set in a batch.
func (p *pod) set(at time.Time, dt time.Duration, o ClusterOptions) Set {
	to := make(values, 32)
	p.sum.writeGauges(to, dt)
	p.network.write(to, dt, p.sum.rated)
	p.resources.write(to, p.storage, p.restarts)
	to["uptime"] = uptime(at, p.since, p.late)
	p.custom(to, at)
	set := Set{Entity: p.entity, Since: p.since, Values: to, Attributes: p.attributes}
	if p.volume != nil && !o.NoFilesystems {
		set.Labelled = p.volume.appendTo(nil)
	}
	return set
}

// containerSet returns the set of one of the pod's containers.
func (p *pod) containerSet(c *container, at time.Time, dt time.Duration, o ClusterOptions) Set {
	to := make(values, 24)
	c.meter.writeGauges(to, dt)
	c.meter.writeCounters(to)
	c.resources.write(to, c.storage, c.restarts)
	to["uptime"] = uptime(at, p.since, c.late)
	set := Set{
		Entity: schema.ContainerEntity(p.entity.Namespace, p.entity.Pod, c.name),
		Since:  p.since, Values: to, Attributes: c.attributes,
	}
	if !o.NoFilesystems && !o.NoContainerFilesystems {
		set.Labelled = c.logs.appendTo(c.root.appendTo(make([]Labelled, 0, 16)))
	}
	if c.gpu != nil {
		set.Labelled = c.gpu.appendTo(set.Labelled)
	}
	return set
}

// longestDelay bounds the delay at which an uptime is measured, in milliseconds.
const longestDelay = 40

// uptime returns an uptime that is measured so many milliseconds late.
func uptime(at, since time.Time, late int64) schema.Value {
	return schema.Int(at.Sub(since).Milliseconds() + late)
}

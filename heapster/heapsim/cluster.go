package heapsim

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"heapstash/schema"
)

// ClusterOptions set the size of a [Cluster] and the contents of its batches.
type ClusterOptions struct {
	// Seed determines all random numbers.
	Seed uint64
	// Nodes, Namespaces and Pods are their numbers in the cluster, Containers the
	// number in each pod. Default 3, 4, 24 and 2.
	Nodes, Namespaces, Pods, Containers int
	// Workloads, if there are any, have all pods: Namespaces, Pods and
	// Containers are then ignored.
	Workloads []Workload
	// NodeName, if not nil, names the nodes, which are numbered from 1.
	NodeName func(n int) string
	// NodeCPU and NodeMemory are each node's capacity, in millicores and bytes.
	// Default 8000 and 67 GB.
	NodeCPU, NodeMemory int64
	// NodeFilesystems name the file systems of each node: at most two.
	NodeFilesystems []string
	// FullNodes is the number of nodes, from the last one, whose first file
	// system is about 86 % full.
	FullNodes int

	NoContainers       bool
	NoSystemContainers bool
	NoFilesystems      bool // nodes, pods and containers have no file systems
	// NoContainerFilesystems: only containers have no file systems.
	NoContainerFilesystems bool
	// SystemContainers and Disks are their numbers on each node. Default 4 and 2.
	SystemContainers, Disks int
	NoDisks                 bool
	NoAccelerators          bool // else the first and every tenth node has one
}

// Cluster generates the batches of a plausible cluster. The same options and calls
// give the same batches. It is not safe for concurrent use.
//
// The entities have every metric that the registry gives their kind, as in Heapster
// v1.5 or later with its summary source. Rates, except the CPU's, and a node's
// allocatable resources are floats. A pod's gauges are the sums over its containers,
// a namespace's over its pods, the cluster's over its namespaces, and a node's over
// its pods and system containers. A node's counters continue when its pods end. A
// pod has no rates in its first batch.
//
// The distribution of the values decides the size of an archive: a 0 takes no room,
// and a constant packs well. From one batch to the next:
//
//   - a tenth of the pods idles: half a millicore a container, no network; their
//     memory gauges change in a tenth as many batches as other pods' gauges
//   - cpu/usage_rate has a log-normal spread of 25 % around a mean that is itself
//     log-normal around 40 millicores; network/* has a spread of 40 %
//   - memory/rss moves in 80 % and memory/cache in 60 % of the batches, by
//     about 0.5 % of its size, in pages of 4096 bytes; usage and working_set
//     follow
//   - page faults are exponential; major ones happen in 2 % of the batches
//   - limits, requests and restart_count are constant: 30 % of the containers
//     request nothing, half have no limit, 90 % have neither for storage, 90 % have
//     never been restarted (the value is then 0)
//   - 3 % of the networks have receive errors, in a tenth of the batches; there are
//     no transmit errors, and cpu/load is 0, as from a kubelet without a load
//     reader
//   - 40 % of the containers write to their ephemeral storage, in half of the
//     batches
//   - the usage changes in 95 % of the batches for a node's first file system, in
//     30 % for its second and for a container's root, in 50 % for logs and volumes
//
// As a result, about two fifths of the values of a pod or a container differ from
// the batch before, and two fifths are 0; half of the values of a node differ, and a
// seventh are 0. A test measures this.
type Cluster struct {
	options    ClusterOptions
	rand       *rand.Rand
	nodes      []*node
	namespaces []*namespace
	pods       []*pod
	last       time.Time // the last batch's
	sum        aggregate
}

// namespace simulates a namespace.
type namespace struct {
	name        string
	uid         string
	deployments []string // app name and template hash
	workloads   []*workload
	sum         aggregate
}

// aggregate has the sums of a namespace or of the cluster.
type aggregate struct {
	pods      int
	load      int64 // millicores
	memory    int64 // bytes
	resources resources
}

func (a *aggregate) add(other aggregate) {
	a.pods += other.pods
	a.load += other.load
	a.memory += other.memory
	a.resources.add(other.resources)
}

func (a *aggregate) set(of schema.Entity, attributes map[string]string) Set {
	to := make(values, 8)
	to["cpu/usage_rate"] = schema.Int(a.load)
	to["memory/usage"] = schema.Int(a.memory)
	a.resources.writeCompute(to)
	return Set{Entity: of, Values: to, Attributes: attributes}
}

// NewCluster returns a cluster that has been running for some time.
func NewCluster(o ClusterOptions) *Cluster {
	set := func(n *int, byDefault int) {
		if *n == 0 {
			*n = byDefault
		}
	}
	set(&o.Nodes, 3)
	set(&o.Namespaces, 4)
	set(&o.Pods, 24)
	set(&o.Containers, 2)
	set(&o.SystemContainers, len(systemContainers))
	set(&o.Disks, 2)
	c := &Cluster{options: o, rand: rand.New(rand.NewPCG(o.Seed, 1))}
	for i := range o.Nodes {
		age := time.Duration(30+c.rand.IntN(370)) * 24 * time.Hour
		n := newNode(c.rand, o.nodeName(i+1), age)
		n.millicores, n.memory = cmp.Or(o.NodeCPU, n.millicores), cmp.Or(o.NodeMemory, n.memory)
		n.system, n.disks = n.system[:o.SystemContainers], n.disks[:o.Disks]
		for i, name := range o.NodeFilesystems {
			n.filesystems[i].labels = map[string]string{"resource_id": name}
		}
		if i >= o.Nodes-o.FullNodes {
			n.filesystems[0].fill(0.86)
		}
		if i%10 == 0 && !o.NoAccelerators {
			n.gpu = newAccelerator(hexadecimal(c.rand, 12))
		}
		c.nodes = append(c.nodes, n)
	}
	if len(o.Workloads) > 0 {
		c.addWorkloads(o.Workloads)
		return c
	}
	for i := range o.Namespaces {
		c.namespaces = append(c.namespaces, newNamespace(c.rand, i, o.Pods/o.Namespaces))
	}
	for i := range o.Pods {
		ns := c.namespaces[i%o.Namespaces]
		age := time.Duration(1+c.rand.IntN(30*24*60)) * time.Minute
		if nth := i / o.Namespaces; nth < statefulPods && ns != c.namespaces[0] {
			c.addPod(ns, fmt.Sprintf("web-%d", nth), "web", age)
		} else {
			deployment := ns.deployments[nth/3%len(ns.deployments)]
			c.addPod(ns, c.podName(deployment), deployment, age)
		}
	}
	return c
}

func (o ClusterOptions) nodeName(n int) string {
	if o.NodeName != nil {
		return o.NodeName(n)
	}
	return fmt.Sprintf("node-%03d", n)
}

// Next moves the cluster on to the time at, and returns the batch of that time. The
// first batch, and one after the clock went back, is a minute after the one before.
// The caller may change the batch, but not its maps of labels and attributes, which
// batches share.
func (c *Cluster) Next(at time.Time) Batch {
	at, dt := c.move(at)
	o := c.options
	batch := Batch{At: at, Sets: make([]Set, 0, 1+len(c.nodes)*5+len(c.namespaces)+len(c.pods)*(1+o.Containers))}
	add := func(set Set) { batch.Sets = append(batch.Sets, set) }
	add(c.sum.set(schema.ClusterEntity(), nil))
	for _, n := range c.nodes {
		add(n.set(at, dt, o))
		if !o.NoSystemContainers {
			for _, s := range n.system {
				add(n.systemSet(s, at, dt))
			}
		}
	}
	for _, ns := range c.namespaces {
		if ns.sum.pods > 0 {
			add(ns.sum.set(schema.NamespaceEntity(ns.name), map[string]string{"namespace_id": ns.uid}))
		}
	}
	for _, p := range c.pods {
		add(p.set(at, dt, o))
		if !o.NoContainers {
			for _, container := range p.containers {
				add(p.containerSet(container, at, dt, o))
			}
		}
	}
	return batch
}

// Skip moves the cluster on like Next, without a batch. The batches after it are the
// same as after Next.
func (c *Cluster) Skip(at time.Time) { c.move(at) }

// move moves the cluster on, and returns the moment, in UTC, and the time since the
// moment before.
func (c *Cluster) move(at time.Time) (time.Time, time.Duration) {
	at = at.UTC()
	dt := at.Sub(c.last)
	if c.last.IsZero() || dt <= 0 {
		dt = time.Minute
	}
	c.last = at
	c.step(at, dt)
	return at, dt
}

// step moves all parts on and sums them up.
func (c *Cluster) step(at time.Time, dt time.Duration) {
	for _, n := range c.nodes {
		n.step(c.rand, at, dt)
	}
	sums := make(map[string]*aggregate)
	for _, ns := range c.namespaces {
		ns.sum = aggregate{}
		sums[ns.name] = &ns.sum
	}
	for _, p := range c.pods {
		p.step(c.rand, at, dt)
		p.node.carry(p)
		one := aggregate{pods: 1, memory: p.sum.usage(), resources: p.resources}
		if p.sum.rated {
			one.load = p.sum.load
		}
		sums[p.entity.Namespace].add(one)
	}
	c.sum = aggregate{}
	for _, ns := range c.namespaces {
		c.sum.add(ns.sum)
	}
}

// addPod adds a pod on the node with the fewest pods. A pod of age 0 is new to
// Heapster.
func (c *Cluster) addPod(ns *namespace, name, app string, age time.Duration) *pod {
	n := c.nodes[0]
	for _, other := range c.nodes {
		if other.pods < n.pods {
			n = other
		}
	}
	n.pods++
	p := &pod{entity: schema.PodEntity(ns.name, name), app: app, node: n, age: age, attributes: maps.Clone(n.attributes)}
	if age == 0 {
		p.age = time.Duration(1+c.rand.IntN(20)) * time.Second
	}
	p.attributes["pod_id"] = uid(c.rand)
	p.attributes["namespace_id"] = ns.uid
	if of := ns.workload(app); of != nil {
		c.fit(p, of)
		c.pods = append(c.pods, p)
		return p
	}
	base, hash, stateless := cutLast(app, "-")
	p.stateless = stateless
	p.attributes["labels"] = "app:" + base
	if stateless {
		p.attributes["labels"] += ",pod-template-hash:" + hash
	}
	idle, perSecond := c.rand.Float64() < 0.1, 2000.0
	if idle {
		perSecond = 0
	}
	p.network = newNetwork(c.rand, perSecond, age)
	if !stateless {
		p.volume = newFilesystem(c.rand, "Volume:data", 10<<30, 0.5)
	}
	for i := range c.options.Containers {
		container := newContainer(c.rand, i, idle, age)
		container.attributes = maps.Clone(p.attributes)
		container.attributes["container_base_image"] = "registry.example.com/" + base + ":1.4.2"
		p.containers = append(p.containers, container)
	}
	if n.gpu != nil && !n.gpu.taken && len(p.containers) > 0 {
		n.gpu.taken = true
		p.containers[0].gpu = n.gpu
		p.containers[0].resources.accelerators = 1
	}
	c.pods = append(c.pods, p)
	return p
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

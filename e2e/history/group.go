package history

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"heapstash/schema"
)

// group is what the pods of a namespace or of a node come to, by the minute.
type group struct {
	name    string
	system  bool // a namespace of the cluster itself
	changes []change
	// When a namespace begins to grow, and has grown; 0 for never.
	grows, grown schema.Instant

	load, memory           []int32 // millicores; pages
	cache, faults, in, out []int32 // of nodes; pages, number, and bytes in the minute
	// Of nodes.
	age               int64 // at the begin, in seconds
	received, cpuUsed int64 // by then: bytes, nanoseconds
}

// change is what pods request more, or less, from a minute on.
type change struct {
	minute int
	by     resources
	pods   int
}

func newSpace(name string, minutes int) *group {
	return &group{name: name, load: make([]int32, minutes), memory: make([]int32, minutes)}
}

func newNode(r *rand.Rand, name string, minutes int) *group {
	n := newSpace(name, minutes)
	n.cache, n.faults = make([]int32, minutes), make([]int32, minutes)
	n.in, n.out = make([]int32, minutes), make([]int32, minutes)
	n.age = int64(30+r.IntN(370)) * int64(day)
	n.received, n.cpuUsed = 20_000*n.age, 2e9*n.age
	return n
}

// growth is the memory of a namespace's pods as a multiple of what it was: in
// the end, twice that.
func (g *group) growth(at schema.Instant) float64 {
	if g.grows == 0 || at < g.grows {
		return 1
	}
	return 1 + float64(at-g.grows)/float64(g.grown-g.grows)
}

func (g *group) request(l *life, by resources) {
	back := resources{}
	back.add(by, -1)
	g.changes = append(g.changes, change{l.from, by, 1}, change{l.to, back, -1})
}

func (g *group) add(minute int, load, rss, cache, faults, in, out int64) {
	g.load[minute] += int32(load)
	g.memory[minute] += int32(rss + cache)
	if g.cache != nil {
		g.cache[minute] += int32(cache)
		g.faults[minute] += int32(faults)
		g.in[minute] += int32(in)
		g.out[minute] += int32(out)
	}
}

// sumOf is a group of groups: the cluster.
func sumOf(groups []*group, minutes int) *group {
	sum := newSpace("", minutes)
	for _, g := range groups {
		sum.changes = append(sum.changes, g.changes...)
		for m := range minutes {
			sum.load[m] += g.load[m]
			sum.memory[m] += g.memory[m]
		}
	}
	return sum
}

// What every node has, in millicores and bytes, and what its own services use.
const (
	nodeCores, nodeMemory     = 4000, 16_829_865_984
	nodeReserved              = 100 // millicores, and MiB
	servicesLoad, servicesRSS = 270, 940 << 20 / pageSize
)

// rows calls row for each minute in which there is a row. Namespaces without a
// pod have none.
func (p *plan) rows(g *group, row func(schema.Instant, *sample)) {
	slices.SortStableFunc(g.changes, func(a, b change) int { return cmp.Compare(a.minute, b.minute) })
	s := emptySample()
	var requested resources
	pods, next := 0, 0
	node := g.cache != nil
	received, sent, cpu, faults := g.received, g.received*3/2, g.cpuUsed, int64(0)
	for m := range p.minutes {
		for ; next < len(g.changes) && g.changes[next].minute <= m; next++ {
			requested.add(g.changes[next].by, 1)
			pods += g.changes[next].pods
		}
		load, memory := int64(g.load[m]), int64(g.memory[m])
		at := p.at(m)
		if node {
			load, memory = load+servicesLoad+int64(m%17), memory+servicesRSS+int64(m%101)
			received, sent = received+int64(g.in[m]), sent+int64(g.out[m])
			cpu, faults = cpu+load*60e6, faults+int64(g.faults[m])
		}
		if p.out(at) || !node && pods == 0 {
			continue
		}
		s[cpuRequest], s[cpuLimit] = requested.cpuRequest, requested.cpuLimit
		s[memoryRequest], s[memoryLimit] = requested.memoryRequest, requested.memoryLimit
		s[cpuUsageRate], s[memoryUsage] = load, memory*pageSize
		if node {
			cache := int64(g.cache[m])
			s[cpuLoad], s[cpuUsage] = 0, cpu
			s[cpuCapacity], s[cpuAllocatable] = nodeCores, nodeCores-nodeReserved
			s[memoryCapacity], s[memoryAllocatable] = nodeMemory, nodeMemory-nodeReserved<<20
			s[cpuUtilization], s[memoryUtilization] = 0, 0 // the model API cuts ratios
			s[cpuReservation] = requested.cpuRequest / (nodeCores - nodeReserved)
			s[memoryReservation] = requested.memoryRequest / (nodeMemory - nodeReserved<<20)
			s[memoryCache], s[memoryRSS], s[memoryWorkingSet] = cache*pageSize, (memory-cache)*pageSize, (memory-cache/2)*pageSize
			s[memoryFaultsRate], s[memoryMajorFaultsRate] = int64(g.faults[m])/60, 0
			s[networkRx], s[networkTx], s[networkRxErrors], s[networkTxErrors] = received, sent, 0, 0
			s[networkRxRate], s[networkTxRate] = int64(g.in[m])/60, int64(g.out[m])/60
			s[networkRxErrorsRate], s[networkTxErrorsRate] = 0, 0
			s[uptime] = (g.age+int64(m)*60)*1000 + int64(m%40)
		}
		row(at, &s)
	}
}

package history

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

const (
	statefulPods = 2 // of each namespace but the first
	replicas     = 3 // of each Deployment

	// Days between two events of one workload or pod, on average. A short
	// archive has them more often.
	rolloutEvery = 50
	evictEvery   = 120
	crashEvery   = 4
)

var (
	spaceNames = [...]string{"kube-system", "shop", "payments", "search", "monitoring", "data", "mail", "ci", "staging", "intern"}
	appNames   = [...]string{"api", "worker", "gateway", "billing", "mailer", "scheduler", "reports", "auth", "cache"}
)

// growing is the namespace whose memory grows from a time on, as if something
// leaked there.
const growing = "shop"

// newCluster returns a cluster, and the events that happen to it in the course of
// time.
func newCluster(o Options) (*heapsim.Cluster, []event) {
	r := rand.New(rand.NewPCG(o.Seed, 1))
	all := workloads(o, r)
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{
		Seed: o.Seed, Workloads: all,
		Nodes: o.Nodes, NodeCPU: 4000, NodeMemory: 16_829_865_984,
		NodeName:     func(n int) string { return fmt.Sprintf("node-%02d", n) },
		NoContainers: true, NoSystemContainers: true, NoFilesystems: true, NoDisks: true, NoAccelerators: true,
	})
	return cluster, events(o, r, all)
}

func workloads(o Options, r *rand.Rand) (all []heapsim.Workload) {
	for i := range o.Namespaces {
		name := numbered(spaceNames[:], i, "%s-%d")
		add := func(kind, app string, replicas int) {
			w := newWorkload(r)
			w.Namespace, w.Kind, w.Name, w.Replicas = name, kind, app, replicas
			if i > 0 && !w.Idle {
				w.Load = heapsim.Daily
			}
			if name == growing {
				w.Growth = o.growth
			}
			all = append(all, w)
		}
		pods := (o.Pods + o.Namespaces - 1 - i) / o.Namespaces
		if n := min(pods, statefulPods); n > 0 && i > 0 {
			add("StatefulSet", "web", n)
			pods -= n
		}
		for nth := 0; pods > 0; nth++ {
			n := min(pods, replicas)
			add("Deployment", numbered(appNames[:], nth, "%s-v%d"), n)
			pods -= n
		}
	}
	return all
}

// numbered is the i-th of names that are used again, with a number then.
func numbered(names []string, i int, format string) string {
	name := names[i%len(names)]
	if round := i / len(names); round > 0 {
		return fmt.Sprintf(format, name, round+1)
	}
	return name
}

func newWorkload(r *rand.Rand) heapsim.Workload {
	w := heapsim.Workload{CPU: 80 * math.Exp(r.NormFloat64()), Memory: (10_000 + r.Int64N(120_000)) * 4096, Network: 2000 * math.Exp(r.NormFloat64())}
	if r.Float64() < 0.1 {
		w.CPU, w.Network, w.Idle = 0.6, 0, true
	}
	if r.Float64() < 0.8 {
		w.CPURequest = 50 << r.Int64N(4)
		w.MemoryRequest = 128 << 20 << r.Int64N(4)
	}
	if r.Float64() < 0.5 {
		w.CPULimit = 400 << r.Int64N(4)
		w.MemoryLimit = 1 << 30 << r.Int64N(3)
	}
	return w
}

// growth is what the growing namespace uses, as a multiple of what it used in the
// first 60 % of the time: in the end, twice as much.
func (o Options) growth(at time.Time) float64 {
	grows := o.begin() + schema.Instant(o.Days)*day*6/10
	return 1 + max(0, float64(schema.InstantOf(at)-grows)/float64(o.End-grows))
}

// event is something that happens before the batch of a minute.
type event struct {
	minute int
	do     func(*heapsim.Cluster)
}

// events are the rollouts of all workloads, the crashes of one in ten, and the
// evictions of pods, in the order of time.
func events(o Options, r *rand.Rand, all []heapsim.Workload) (events []event) {
	add := func(every int, do func(*heapsim.Cluster)) {
		for _, at := range times(r, every, o.minutes()) {
			events = append(events, event{at, do})
		}
	}
	for i, w := range all {
		add(rolloutEvery, func(c *heapsim.Cluster) { c.Rollout(w.Namespace, w.Name) })
		if i%10 == 1 {
			add(crashEvery, func(c *heapsim.Cluster) { crash(c, r, w) })
		}
	}
	for range o.Pods {
		add(evictEvery, func(c *heapsim.Cluster) { evict(c, r) })
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.minute, b.minute) })
	return events
}

// times are the minutes of an event that happens once in so many days.
func times(r *rand.Rand, every, minutes int) (all []int) {
	mean := float64(min(every*minutesOfDay, minutes/3))
	for at := 0; ; {
		at += 10 + int(r.ExpFloat64()*mean)
		if at >= minutes {
			return all
		}
		all = append(all, at)
	}
}

// crash restarts a container of the workload.
func crash(c *heapsim.Cluster, r *rand.Rand, w heapsim.Workload) {
	var pods []schema.Entity
	for _, pod := range c.Pods() {
		if i, _ := c.Identity(pod); pod.Namespace == w.Namespace && i.Owner.Name == w.Name {
			pods = append(pods, pod)
		}
	}
	c.Crash(pods[r.IntN(len(pods))])
}

// evict replaces a pod.
func evict(c *heapsim.Cluster, r *rand.Rand) {
	pods := c.Pods()
	pod := pods[r.IntN(len(pods))]
	if i, _ := c.Identity(pod); i.Owner.Kind == "StatefulSet" {
		c.Recreate(pod)
		return
	}
	c.Churn(1) // one of a Deployment
}

// outages are three times in which nothing was archived, both ends included:
// after half of the time, when a sixth is left, and near the end.
func outages(o Options) (all []schema.Window) {
	long := o.End - o.begin()
	for _, outage := range []struct{ before, minutes schema.Instant }{
		{long/2 - 2*hour, 26 * 60}, {long/6 - 9*hour, 185}, {long/36 - hour, 17},
	} {
		from := (o.End - outage.before) / minute * minute
		all = append(all, schema.Window{From: from, To: from + (outage.minutes-1)*minute})
	}
	return all
}

package heapsim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"heapstash/schema"
)

// Workload has pods of one kind. The values of a pod are means: see [Cluster] for
// their distribution.
type Workload struct {
	Namespace string
	// Kind is Deployment, StatefulSet or DaemonSet, or empty for one pod with the
	// workload's name.
	Kind, Name string
	Replicas   int // default 1

	CPU     float64 // a pod's, in millicores
	Memory  int64   // a pod's, in bytes, without caches
	Network float64 // bytes a second that a pod receives; it sends half as much again
	Idle    bool    // the values hardly change

	// Requests and limits of a pod, in millicores and bytes. 0 means none.
	CPURequest, CPULimit, MemoryRequest, MemoryLimit int64
	// Sidecars name more containers, beside the one with the workload's name.
	// They use almost nothing.
	Sidecars []string
	// Volume gives each pod a volume.
	Volume bool

	// Load is a factor of CPU and Network at a moment, and Growth one of Memory.
	// Default 1.
	Load, Growth func(at time.Time) float64
	// Custom are custom metrics of each pod.
	Custom map[schema.MetricName]func(at time.Time) int64
}

// workload is a workload in a cluster, at one of its versions.
type workload struct {
	Workload
	hash    string // its template's
	version int
}

// addWorkloads fills a new cluster.
func (c *Cluster) addWorkloads(all []Workload) {
	spaces := make(map[string]*namespace)
	for _, w := range all {
		ns := spaces[w.Namespace]
		if ns == nil {
			ns = &namespace{name: w.Namespace, uid: uid(c.rand)}
			spaces[w.Namespace] = ns
			c.namespaces = append(c.namespaces, ns)
		}
		of := &workload{Workload: w, hash: c.templateHash()}
		ns.workloads = append(ns.workloads, of)
		for i := range max(w.Replicas, 1) {
			age := time.Duration(60+c.rand.IntN(30*24*60)) * time.Minute
			c.addPod(ns, c.memberName(of, i), of.app(), age)
		}
	}
}

// templateHash makes a hash like those in the names of a Deployment's pods up to
// Kubernetes 1.11.
func (c *Cluster) templateHash() string {
	return fmt.Sprint(1_000_000_000 + c.rand.Int64N(3_000_000_000))
}

// app names the workload's pods in their namespace: see [Cluster.podName].
func (w *workload) app() string {
	if w.Kind == "Deployment" {
		return w.Name + "-" + w.hash
	}
	return w.Name
}

func (c *Cluster) memberName(of *workload, i int) string {
	switch of.Kind {
	case "":
		return of.Name
	case "StatefulSet":
		return fmt.Sprintf("%s-%d", of.Name, i)
	default:
		return c.podName(of.app())
	}
}

// workload returns the workload of the pods with that app, nil for random pods.
func (ns *namespace) workload(app string) *workload {
	for _, of := range ns.workloads {
		if of.app() == app {
			return of
		}
	}
	return nil
}

// fit makes the pod a pod of the workload.
func (c *Cluster) fit(p *pod, of *workload) {
	p.of, p.stateless = of, of.Kind == "Deployment"
	p.attributes["labels"] = "app:" + of.Name
	if p.stateless {
		p.attributes["labels"] += ",pod-template-hash:" + of.hash
	}
	p.network = newNetwork(c.rand, of.Network, p.age)
	if of.Volume {
		p.volume = newFilesystem(c.rand, "Volume:data", 10<<30, 0.5)
	}
	for i, name := range append([]string{of.Name}, of.Sidecars...) {
		h := habit{millicores: of.CPU, pages: max(of.Memory/pageSize, 1), idle: of.Idle}
		if i > 0 {
			h.millicores, h.pages = 1, 16<<20/pageSize
		}
		member := &container{
			name:       name,
			attributes: maps.Clone(p.attributes),
			meter:      newMeter(c.rand, h, p.age),
			writes:     !of.Idle,
			root:       newFilesystem(c.rand, "/", 100<<30, 0.3),
			logs:       newFilesystem(c.rand, "logs", 100<<30, 0.5),
		}
		member.attributes["container_base_image"] = fmt.Sprintf("registry.example.com/%s:1.%d", name, 4+of.version)
		if i == 0 {
			member.resources = resources{
				cpuRequest: of.CPURequest, cpuLimit: of.CPULimit,
				memoryRequest: of.MemoryRequest, memoryLimit: of.MemoryLimit,
			}
		}
		p.containers = append(p.containers, member)
	}
}

// follow applies the workload's load and growth at the moment.
func (p *pod) follow(at time.Time) {
	if p.of == nil {
		return
	}
	habit := &p.containers[0].meter.habit
	if load := p.of.Load; load != nil {
		now := load(at)
		habit.millicores, p.network.perSecond = p.of.CPU*now, p.of.Network*now
	}
	if growth := p.of.Growth; growth != nil {
		habit.pages = max(int64(float64(p.of.Memory)*growth(at))/pageSize, 1)
	}
}

// custom writes the workload's custom metrics.
func (p *pod) custom(to values, at time.Time) {
	if p.of == nil {
		return
	}
	for name, value := range p.of.Custom {
		to[name] = schema.Int(value(at))
	}
}

// Identity returns the pod's identity, without Since. It reports whether the pod
// exists.
func (c *Cluster) Identity(pod schema.Entity) (schema.Identity, bool) {
	for _, p := range c.pods {
		if p.entity != pod {
			continue
		}
		i := schema.Identity{Pod: pod, UID: p.attributes["pod_id"], Node: p.attributes["nodename"], Labels: p.attributes["labels"]}
		var images []string
		for _, member := range p.containers {
			images = append(images, member.name+"="+member.attributes["container_base_image"])
		}
		slices.Sort(images)
		i.Images = strings.Join(images, ",")
		if p.of != nil && p.of.Kind != "" {
			i.Owner.Kind, i.Owner.Name = p.of.Kind, p.of.Name
		}
		return i, true
	}
	return schema.Identity{}, false
}

// Rollout replaces all pods of a workload by pods of its next version. A Deployment's
// new pods have other names. Rollout reports whether the workload exists.
func (c *Cluster) Rollout(namespace, name string) bool {
	for _, ns := range c.namespaces {
		for _, of := range ns.workloads {
			if ns.name != namespace || of.Name != name {
				continue
			}
			var old []*pod
			for _, p := range c.pods {
				if p.of == of {
					old = append(old, p)
				}
			}
			of.hash = c.templateHash()
			of.version++
			for i, p := range old {
				c.Kill(p.entity)
				c.addPod(ns, c.memberName(of, i), of.app(), 0)
			}
			return true
		}
	}
	return false
}

// Crash restarts the pod's first container. It reports whether the pod exists.
func (c *Cluster) Crash(pod schema.Entity) bool {
	for _, p := range c.pods {
		if p.entity == pod {
			first := p.containers[0]
			first.restarts++
			first.meter.rss = max(first.meter.habit.pages/3, 1)
			return true
		}
	}
	return false
}

// Daily is a [Workload.Load] of people: most at 14:00 UTC and least at 02:00, and
// less at weekends. Its mean over a weekday is 1.
func Daily(at time.Time) float64 {
	at = at.UTC()
	hour := float64(at.Hour()) + float64(at.Minute())/60
	load := 1 - 0.6*math.Cos(2*math.Pi*(hour-2)/24)
	if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
		load *= 0.6
	}
	return load
}

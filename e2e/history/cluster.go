package history

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"heapstash/schema"
)

// plan is who is there when. What they do meanwhile is drawn later, one pod
// after the other.
type plan struct {
	Options
	begin   schema.Instant
	minutes int // from begin on
	outages []outage
	nodes   []*group
	spaces  []*group
	pods    []*pod
}

// pod is what has one name. A Deployment's has one life, a StatefulSet's has
// several.
type pod struct {
	id        int64
	name      string
	namespace *group
	lives     []*life
}

// life is one incarnation of a pod.
type life struct {
	from, to int            // minutes; it has no row at the last
	age      schema.Instant // at from
	uid      string
	node     *group
	workload *workload
	version  int // of its image, and of its template
	crashes  bool
	rand     *rand.Rand
	// The first and the last row, on the archive's clock.
	first, last schema.Instant
}

// workload is what pods belong to, and are like.
type workload struct {
	kind, name string
	millicores float64 // on average
	pages      int64   // that its rss settles around
	perSecond  float64 // bytes received
	requests   resources
	versions   []int // the minutes at which it was rolled out
	hash       int64
}

// resources are what a pod requests, and is limited to.
type resources struct {
	cpuRequest, cpuLimit       int64 // millicores
	memoryRequest, memoryLimit int64 // bytes
}

func (r *resources) add(o resources, times int64) {
	r.cpuRequest += times * o.cpuRequest
	r.cpuLimit += times * o.cpuLimit
	r.memoryRequest += times * o.memoryRequest
	r.memoryLimit += times * o.memoryLimit
}

const (
	statefulPods = 2 // of each namespace but the first
	replicas     = 3 // of each Deployment

	// In days, on average. In a short archive it is more often.
	rolloutEvery = 50
	evictEvery   = 120
)

var (
	spaceNames = [...]string{"kube-system", "shop", "payments", "search", "monitoring", "data", "mail", "ci", "staging", "intern"}
	appNames   = [...]string{"api", "worker", "gateway", "billing", "mailer", "scheduler", "reports", "auth", "cache"}
)

// growing is the namespace whose memory grows, from a time on, as if something
// leaked there.
const growing = "shop"

func newPlan(o Options) *plan {
	p := &plan{Options: o, begin: o.End - schema.Instant(o.Days)*day, minutes: o.Days*minutesOfDay + hotMinutes}
	p.outages = outages(p.begin, o.End)
	r := rand.New(rand.NewPCG(o.Seed, 1))
	for i := range o.Nodes {
		p.nodes = append(p.nodes, newNode(r, fmt.Sprintf("node-%02d", i+1), p.minutes))
	}
	for i := range o.Namespaces {
		name := spaceNames[i%len(spaceNames)]
		if round := i / len(spaceNames); round > 0 {
			name = fmt.Sprintf("%s-%d", name, round+1)
		}
		ns := newSpace(name, p.minutes)
		ns.system = i == 0
		if name == growing {
			ns.grows, ns.grown = p.begin+schema.Instant(o.Days)*day*6/10, o.End
		}
		p.spaces = append(p.spaces, ns)
	}
	for i, ns := range p.spaces {
		p.fill(r, ns, i)
	}
	for i, pod := range p.pods {
		pod.id = int64(1 + len(p.nodes) + len(p.spaces) + i + 1)
	}
	return p
}

// fill plans the pods of a namespace.
func (p *plan) fill(r *rand.Rand, ns *group, index int) {
	var of *workload
	deployments := 0
	for nth := range (p.Pods + len(p.spaces) - 1 - index) / len(p.spaces) {
		slot := index + nth*len(p.spaces)
		if nth < statefulPods && index > 0 {
			if nth == 0 {
				of = newWorkload(r, "StatefulSet", "web", p.minutes)
			}
			p.pods = append(p.pods, p.stateful(r, ns, of, slot, nth))
			continue
		}
		if deployments%replicas == 0 {
			app := appNames[deployments/replicas%len(appNames)]
			if round := deployments / replicas / len(appNames); round > 0 {
				app = fmt.Sprintf("%s-v%d", app, round+1)
			}
			of = newWorkload(r, "Deployment", app, p.minutes)
		}
		p.pods = append(p.pods, p.stateless(r, ns, of, slot, deployments%replicas)...)
		deployments++
	}
}

func newWorkload(r *rand.Rand, kind, name string, minutes int) *workload {
	w := &workload{kind: kind, name: name, millicores: 80 * math.Exp(r.NormFloat64()), pages: 10_000 + r.Int64N(120_000),
		perSecond: 2000 * math.Exp(r.NormFloat64()), hash: r.Int64N(1 << 32)}
	if r.Float64() < 0.1 {
		w.millicores, w.perSecond = 0.6, 0 // it idles
	}
	if r.Float64() < 0.8 {
		w.requests.cpuRequest = 50 << r.Int64N(4)
		w.requests.memoryRequest = 128 << 20 << r.Int64N(4)
	}
	if r.Float64() < 0.5 {
		w.requests.cpuLimit = 400 << r.Int64N(4)
		w.requests.memoryLimit = 1 << 30 << r.Int64N(3)
	}
	w.versions = times(r, rolloutEvery, minutes)
	return w
}

// times are the minutes at which something happens that happens once in so
// many days.
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

// lives are those of one replica: it ends when it is evicted, and some minutes
// into each rollout.
func (p *plan) lives(r *rand.Rand, of *workload, slot, replica int) (lives []*life) {
	ends := []int{p.minutes}
	for _, at := range of.versions {
		ends = append(ends, at+2*replica)
	}
	ends = append(ends, times(r, evictEvery, p.minutes)...)
	slices.Sort(ends)
	from := 0
	for generation, to := range ends {
		if to-from < 3 || from >= p.minutes {
			continue
		}
		version := 1
		for _, at := range of.versions {
			if at+2*replica <= from {
				version++
			}
		}
		l := &life{from: from, to: min(to, p.minutes), uid: uid(r), node: p.nodes[(slot+3*generation)%len(p.nodes)], workload: of,
			version: version, crashes: r.Float64() < 0.1, age: schema.Instant(1 + r.IntN(20)), rand: rand.New(rand.NewPCG(r.Uint64(), 2))}
		if from == 0 {
			l.age = schema.Instant(1+r.IntN(30*minutesOfDay)) * minute
		}
		from = to + 1
		if l.first, l.last = p.seen(l); l.first != 0 {
			lives = append(lives, l)
		}
	}
	return lives
}

// seen is when the first and the last rows of a life are, if it has any.
func (p *plan) seen(l *life) (first, last schema.Instant) {
	for m := l.from; m < l.to && first == 0; m++ {
		if at := p.at(m); !p.out(at) {
			first = at
		}
	}
	for m := l.to - 1; m >= l.from && last == 0; m-- {
		if at := p.at(m); !p.out(at) {
			last = at
		}
	}
	return first, last
}

func (p *plan) at(m int) schema.Instant { return p.begin + schema.Instant(m)*minute }

// out reports whether nothing was archived then.
func (p *plan) out(at schema.Instant) bool {
	for _, o := range p.outages {
		if o.from <= at && at <= o.to {
			return true
		}
	}
	return false
}

func (p *plan) stateful(r *rand.Rand, ns *group, of *workload, slot, replica int) *pod {
	return &pod{name: fmt.Sprintf("%s-%d", of.name, replica), namespace: ns, lives: p.lives(r, of, slot, replica)}
}

func (p *plan) stateless(r *rand.Rand, ns *group, of *workload, slot, replica int) (pods []*pod) {
	for _, l := range p.lives(r, of, slot, replica) {
		name := of.name + "-" + l.template() + "-" + draw(r, 5, kubernetesAlphabet)
		pods = append(pods, &pod{name: name, namespace: ns, lives: []*life{l}})
	}
	return pods
}

// template is the hash in the names of a Deployment's pods.
func (l *life) template() string {
	return fmt.Sprint(1_000_000_000 + (l.workload.hash*31+int64(l.version)*7_919_317)%3_000_000_000)
}

// present reports whether the life goes on after all the rows.
func (p *plan) present(l *life) bool { return l.to == p.minutes }

// kubernetesAlphabet is that of generated names.
const kubernetesAlphabet = "bcdfghjklmnpqrstvwxz2456789"

func draw(r *rand.Rand, n int, alphabet string) string {
	name := make([]byte, n)
	for i := range name {
		name[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(name)
}

func uid(r *rand.Rand) string {
	const hex = "0123456789abcdef"
	return draw(r, 8, hex) + "-" + draw(r, 4, hex) + "-4" + draw(r, 3, hex) + "-a" + draw(r, 3, hex) + "-" + draw(r, 12, hex)
}

package collect

import (
	"log/slog"
	"path"
	"slices"
	"time"

	"heapstash/schema"
)

// Options set what a pass asks for.
type Options struct {
	// Cluster is the name under which the samples are stored.
	Cluster string
	// Namespaces and ExcludeNamespaces are globs as in [path.Match]. Without
	// Namespaces every one is asked for; what matches both is excluded.
	Namespaces        []string
	ExcludeNamespaces []string
	// ExcludePods are globs of namespace/pod, each half as in [path.Match].
	// Pods that match one are not asked for, nor their containers and labelled
	// series. What Heapster sums up for namespaces and nodes has them in it.
	ExcludePods []string
	// Kinds are those asked for.
	Kinds []schema.Kind
	// AcceptNewNodes lets a pass store under a cluster's name what comes from
	// none of the nodes that it had.
	AcceptNewNodes bool
	// Concurrency is the number of requests in flight at once.
	Concurrency int
	// Containers tells how containers and system containers are read, if they
	// are among Kinds.
	Containers Containers
	// Budget is how long after its start a pass still asks for containers and
	// labelled series. What does not fit is left out in the order of its
	// worth and is a hole; the next pass asks for it again. Zero is no bound.
	Budget time.Duration
	// Deadline is how long after its start a pass still asks for anything, and
	// waits for answers. What was read until then is stored, the rest are
	// holes; but without the cluster's own series and the lists, the pass
	// fails. Zero is no bound.
	Deadline time.Duration
	// NameRequests bounds the requests of one pass that look for metrics
	// outside the registry. Entities never asked come first, the others in
	// turn.
	NameRequests int
	// MaxEntities and MaxSamples are how many of each one pass takes, since all
	// of a stage is in memory and whoever answers may be no Heapster. With more
	// entities the pass fails; what is read beyond so many samples is a hole.
	MaxEntities, MaxSamples int
	// Enricher is asked for what Heapster does not know; nil for nobody.
	Enricher Enricher
	// Version of heapstash, for the ledger.
	Version string
	// Now is the local clock. It is asked from several goroutines.
	Now func() time.Time
	// Log gets what happens on the way. What is wrong is in the summary too.
	Log *slog.Logger
}

// DefaultOptions asks for everything that a pass can read, under the name
// "default".
func DefaultOptions() Options {
	return Options{
		Cluster:      "default",
		Kinds:        schema.Kinds(),
		Concurrency:  8,
		Containers:   ContainersAuto,
		Budget:       45 * time.Second,
		Deadline:     100 * time.Second,
		NameRequests: 200,
		MaxEntities:  100_000,
		MaxSamples:   3_000_000,
		Now:          time.Now,
		Log:          slog.New(slog.DiscardHandler),
	}
}

// Containers is a way of reading containers.
type Containers string

// The ways of reading containers.
const (
	// ContainersAuto is full for a cluster of up to [AutoContainers], and
	// export for a larger one, unless there metric-export is not to be had.
	ContainersAuto Containers = "auto"
	// ContainersFull reads all that Heapster shows of them.
	ContainersFull Containers = "full"
	// ContainersExport reads only what metric-export has: the standard
	// metrics of the newest batch, in one request.
	ContainersExport Containers = "export"
	// ContainersOff leaves them out.
	ContainersOff Containers = "off"
)

// AutoContainers is the number of containers, system containers among them,
// above which ContainersAuto makes do with metric-export. Each costs eleven
// requests a pass, and three times as many at the first one; an apiserver
// that shares two cores with Heapster and heapstash proxies about a thousand
// a second.
const AutoContainers = 500

// wants reports whether the entity is to be asked for.
func (o Options) wants(e schema.Entity) bool {
	if !slices.Contains(o.Kinds, e.Kind) || o.Containers == ContainersOff && isContainer(e.Kind) {
		return false
	}
	if e.Pod != "" && matchesAny(o.ExcludePods, e.Namespace+"/"+e.Pod) {
		return false
	}
	return e.Namespace == "" || o.wantsNamespace(e.Namespace)
}

// asksWithinPods reports whether pods or their containers are asked for at all.
func (o Options) asksWithinPods() bool {
	return slices.Contains(o.Kinds, schema.Pod) || slices.Contains(o.Kinds, schema.Container) && o.Containers != ContainersOff
}

func (o Options) wantsNamespace(name string) bool {
	if matchesAny(o.ExcludeNamespaces, name) {
		return false
	}
	return len(o.Namespaces) == 0 || matchesAny(o.Namespaces, name)
}

func isContainer(k schema.Kind) bool { return k == schema.Container || k == schema.SystemContainer }

// matchesAny takes a glob that is none for one that matches nothing; whoever
// reads globs from users checks them.
func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}

package collect

import (
	"log/slog"
	"slices"
	"time"

	"heapstash/schema"
)

// Options are what a pass asks for, and how.
type Options struct {
	// Cluster is the name under which the samples are stored.
	Cluster string
	// Namespaces and ExcludeNamespaces are globs ([schema.MatchesAny]). Empty
	// Namespaces mean all; a namespace that matches both is excluded.
	Namespaces        []string
	ExcludeNamespaces []string
	// ExcludePods are globs of namespace/pod, each half a glob ([schema.MatchesAny]).
	// Pods that match one are not asked for, nor are their containers and labelled
	// series. Heapster's sums for namespaces and nodes include them.
	ExcludePods []string
	// Kinds are the kinds to ask for.
	Kinds []schema.Kind
	// AcceptNewNodes lets a pass store a cluster that has none of the nodes of the
	// last pass.
	AcceptNewNodes bool
	// Concurrency is the number of requests in flight at once.
	Concurrency int
	// Containers is how containers and system containers are read, if Kinds has
	// them.
	Containers Containers
	// Budget is how long after its start a pass still asks for containers and
	// labelled series. It asks for the most valuable ones first; the rest are
	// holes, and the next pass asks for them again. Zero means no bound.
	Budget time.Duration
	// Deadline is how long after its start a pass still sends requests and waits
	// for answers. The pass stores what it has read by then, and the rest are
	// holes. Without the cluster's own series and the lists, the pass fails. Zero
	// means no bound.
	Deadline time.Duration
	// NameRequests bounds the requests of one pass that look for metrics outside
	// the registry. New entities come first, then the others in turn.
	NameRequests int
	// MaxEntities and MaxSamples bound the memory of a pass, which holds a whole
	// stage, even if the server is not a Heapster. With more entities the pass
	// fails; samples beyond the bound are holes.
	MaxEntities, MaxSamples int
	// Enricher is asked for what Heapster does not have. It may be nil.
	Enricher Enricher
	// Version of heapstash, for the ledger.
	Version string
	// Now is the local clock. It is called concurrently.
	Now func() time.Time
	// Log gets messages about the pass. The summary has all holes too.
	Log *slog.Logger
}

// DefaultOptions asks for everything, under the cluster's name "default".
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
	// ContainersAuto is full for a cluster of up to [AutoContainers] containers,
	// and export for a larger one. Without metric-export it is full.
	ContainersAuto Containers = "auto"
	// ContainersFull reads everything that Heapster shows of them.
	ContainersFull Containers = "full"
	// ContainersExport reads only metric-export: the standard metrics of the
	// newest batch, with one request.
	ContainersExport Containers = "export"
	// ContainersOff does not read them.
	ContainersOff Containers = "off"
)

// AutoContainers is the number of containers, with system containers, above which
// ContainersAuto is export. A container costs eleven requests a pass, and three
// times as many at the first pass. An apiserver that shares two cores with Heapster
// and heapstash proxies about a thousand requests a second.
const AutoContainers = 500

// wants reports whether the entity is to be asked for.
func (o Options) wants(e schema.Entity) bool {
	if !slices.Contains(o.Kinds, e.Kind) || o.Containers == ContainersOff && isContainer(e.Kind) {
		return false
	}
	if e.Pod != "" && schema.MatchesAny(o.ExcludePods, e.Namespace+"/"+e.Pod) {
		return false
	}
	return e.Namespace == "" || o.wantsNamespace(e.Namespace)
}

// asksWithinPods reports whether pods or their containers are asked for.
func (o Options) asksWithinPods() bool {
	return slices.Contains(o.Kinds, schema.Pod) || slices.Contains(o.Kinds, schema.Container) && o.Containers != ContainersOff
}

func (o Options) wantsNamespace(name string) bool {
	if schema.MatchesAny(o.ExcludeNamespaces, name) {
		return false
	}
	return len(o.Namespaces) == 0 || schema.MatchesAny(o.Namespaces, name)
}

func isContainer(k schema.Kind) bool { return k == schema.Container || k == schema.SystemContainer }

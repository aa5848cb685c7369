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
	// Kinds are those asked for.
	Kinds []schema.Kind
	// AcceptNewNodes lets a pass store under a cluster's name what comes from
	// none of the nodes that it had.
	AcceptNewNodes bool
	// Concurrency is the number of requests in flight at once.
	Concurrency int
	// NameRequests bounds the requests of one pass that look for metrics
	// outside the registry. Entities never asked come first, the others in
	// turn.
	NameRequests int
	// Version of heapstash, for the ledger.
	Version string
	// Now is the local clock.
	Now func() time.Time
	// Log gets what happens on the way. What is wrong is in the summary too.
	Log *slog.Logger
}

// DefaultOptions asks for everything that a pass can read, under the name
// "default".
func DefaultOptions() Options {
	return Options{
		Cluster:      "default",
		Kinds:        CollectedKinds(),
		Concurrency:  8,
		NameRequests: 200,
		Now:          time.Now,
		Log:          slog.New(slog.DiscardHandler),
	}
}

// CollectedKinds are the kinds that a pass can read.
func CollectedKinds() []schema.Kind {
	return []schema.Kind{schema.Cluster, schema.Node, schema.Namespace, schema.Pod}
}

// wants reports whether the entity is to be asked for.
func (o Options) wants(e schema.Entity) bool {
	if !slices.Contains(o.Kinds, e.Kind) {
		return false
	}
	if e.Namespace == "" {
		return true
	}
	if matchesAny(o.ExcludeNamespaces, e.Namespace) {
		return false
	}
	return len(o.Namespaces) == 0 || matchesAny(o.Namespaces, e.Namespace)
}

// matchesAny takes a glob that is none for one that matches nothing; whoever
// reads globs from users checks them.
func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}

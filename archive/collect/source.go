package collect

import (
	"context"

	"heapstash/archive/collect/fetch"
	"heapstash/schema"
)

// Source is what a pass reads. Its methods are called concurrently. Errors wrap
// one of the schema package's sentinels where one fits, or they are the context's
// error; any other error counts as [schema.ErrProtocol].
//
// An entity or a metric that Heapster does not know has no names and no points,
// which is not an error.
type Source interface {
	fetch.Source
	// AllKeys lists every entity of Heapster's latest batch with one request. It
	// does not understand the form of the unknown keys.
	AllKeys(ctx context.Context) (entities []schema.Entity, unknown []string, err error)
	// List lists the names of one kind below another entity, if AllKeys is refused:
	// the cluster's nodes and namespaces, a namespace's pods, a pod's containers and
	// a node's system containers. Heapster has the lists of containers since v1.3.
	List(ctx context.Context, kind schema.Kind, of schema.Entity) ([]string, error)
	// Healthz returns an error if Heapster says that it is not well: its newest
	// batch is over three minutes old.
	Healthz(ctx context.Context) error
	// MetricNames lists the unlabelled metrics of the entity.
	MetricNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error)
	// SplitPods divides the pods into batches for PodSeries.
	SplitPods(namespace string, pods []string, m schema.MetricName) [][]string
	// Export reads Heapster's newest batch with one request, though not all of
	// it, and calls visit for each metric set. It returns visit's first error. It
	// is an error if the end of the batch did not arrive.
	// [schema.ErrExportDisabled] is lasting.
	Export(ctx context.Context, visit func(schema.Exported) error) error
	// Traffic is what was sent and received since the source was made.
	Traffic() (requests, bytes int64)
}

// Enricher asks Kubernetes for what Heapster does not have. Its errors are those
// of a [Source].
type Enricher interface {
	// Pods returns every pod with its owner. Only whole pods, which are several
	// times as long, have nodes and images. Since is zero.
	Pods(ctx context.Context, whole bool) ([]schema.Identity, error)
	// Namespaces returns every namespace.
	Namespaces(ctx context.Context) ([]schema.NamespaceIdentity, error)
}

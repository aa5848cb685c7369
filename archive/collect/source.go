package collect

import (
	"context"

	"heapstash/schema"
)

// Source is what a pass reads. Its methods are called concurrently. Errors
// wrap one of the schema package's sentinels where one fits, or the context's
// error; whatever else they are counts as [schema.ErrProtocol].
type Source interface {
	Lister
	SeriesReader
	PodReader
	Exporter
	Meter
}

// Lister tells what Heapster's latest batch holds.
type Lister interface {
	// AllKeys lists every entity in one call; unknown are keys of a form that
	// is not understood.
	AllKeys(ctx context.Context) (entities []schema.Entity, unknown []string, err error)
	// Nodes, Namespaces and Pods do the same where AllKeys is refused.
	Nodes(ctx context.Context) ([]string, error)
	Namespaces(ctx context.Context) ([]string, error)
	Pods(ctx context.Context, namespace string) ([]string, error)
	// Containers and SystemContainers do it for containers. Heapster before
	// v1.3 does not have them.
	Containers(ctx context.Context, namespace, pod string) ([]string, error)
	SystemContainers(ctx context.Context, node string) ([]string, error)
	// Healthz returns an error when Heapster says that it is not well: its
	// newest batch is over three minutes old.
	Healthz(ctx context.Context) error
}

// SeriesReader reads one entity. An entity or a metric that Heapster does not
// know has no names and no points, and is no error.
type SeriesReader interface {
	// MetricNames lists the unlabelled metrics that the entity carries.
	MetricNames(ctx context.Context, e schema.Entity) ([]schema.MetricName, error)
	// Series returns the visible points at or after start, in any order;
	// None asks for all.
	Series(ctx context.Context, e schema.Entity, m schema.MetricName, start schema.Instant) ([]schema.Point, error)
}

// PodReader reads one metric of many pods at once.
type PodReader interface {
	// SplitPods divides the pods into batches that PodSeries can ask for.
	SplitPods(namespace string, pods []string, m schema.MetricName) [][]string
	// PodSeries returns the points of each pod, at the pod's place. It
	// returns all of them or an error.
	PodSeries(ctx context.Context, namespace string, pods []string, m schema.MetricName, start schema.Instant) ([][]schema.Point, error)
}

// Exporter reads Heapster's newest batch at once, though not all of it: see
// [schema.Exported].
type Exporter interface {
	// Export calls visit for each metric set until that returns an error,
	// which it then returns. A batch whose end did not arrive is an error.
	// [schema.ErrExportDisabled] is lasting.
	Export(ctx context.Context, visit func(schema.Exported) error) error
}

// Enricher tells what Kubernetes knows of what Heapster shows. Its errors are
// those of a [Source].
type Enricher interface {
	// Pods returns every pod with its owner. Nodes and images are known only
	// if the pods are asked for whole, which takes several times the bytes;
	// Since is none.
	Pods(ctx context.Context, whole bool) ([]schema.Identity, error)
	// Namespaces returns every namespace.
	Namespaces(ctx context.Context) ([]schema.NamespaceIdentity, error)
}

// Meter counts what was sent and received since it was made.
type Meter interface {
	Traffic() (requests, bytes int64)
}

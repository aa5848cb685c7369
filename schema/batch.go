package schema

import "time"

// Batch is what a pass has to store at once: it is written whole or not at
// all.
type Batch struct {
	Pass    PassID
	Cluster string
	Rows    []Row
	Holes   []Hole
	// Horizon is the newest batch that the pass knows to be whole. None
	// leaves the one that the archive has.
	Horizon Instant
	// Watermarks move (or, after Heapster's clock stepped, reset) the scopes
	// named. None drops a scope's.
	Watermarks map[Scope]Instant
	// Asked adds the metrics to those that the scopes have been asked for.
	Asked map[Scope][]MetricName
	// Carried adds metrics outside the registry, and rare ones, that the
	// entities were seen to carry.
	Carried map[Entity][]MetricName
	// Appeared are entities that are listed and were not before.
	Appeared []Entity
	// Vanished are entities that are not listed any more, with the time up
	// to which they were.
	Vanished map[Entity]Instant
	// Seen is the time of Heapster's at which Appeared were listed.
	Seen Instant
	// Identities are those of pods that have another one than before.
	Identities []Identity
	// NamespaceLabels are those of namespaces that have others than before;
	// empty for none any more.
	NamespaceLabels map[string]string
	// NamespaceIDs are the names of all namespaces whose ids are known, by id,
	// in the place of those that the archive has. Nil leaves them.
	NamespaceIDs map[string]string
}

// Identity tells one incarnation of a pod from another of the same name.
type Identity struct {
	Pod    Entity
	UID    string
	Node   string // nodename
	Labels string // of the pod, as Heapster spells them: key:value,key:value
	// Images are its containers' base images: container=image, joined by
	// commas, in order. The images are Heapster's container_base_image.
	Images string
	// Owner is the workload that it belongs to, which Heapster does not know.
	Owner Owner
	// Since is the batch in which this was seen first.
	Since Instant
}

// NamespaceIdentity is what Kubernetes tells of a namespace.
type NamespaceIdentity struct {
	Name   string
	UID    string // stays the same as long as the namespace exists, and never comes back
	Labels string // spelled as those of an [Identity]; empty for none
}

// Owner names a workload of Kubernetes in its pods' namespace, such as a
// Deployment, or what else a pod belongs to; the zero Owner is nobody or not
// known.
type Owner struct {
	Kind string
	Name string
}

// Written tells what a [Batch] changed.
type Written struct {
	New        int // samples that the archive did not have
	Duplicates int // samples that it had, with the same value
	Conflicts  int // samples that it had with another value
}

// Memory is what an archive remembers of a cluster when a pass begins.
type Memory struct {
	// Horizon is the newest batch that the last pass knew to be whole; None
	// before the first.
	Horizon Instant
	// Passed is when the pass of Horizon began, by the local clock; zero if
	// that is not known.
	Passed time.Time
	// Failure is why the last pass failed, empty if it did not.
	Failure string
	// Watermarks tell up to where (inclusive) each scope was read whole.
	Watermarks map[Scope]Instant
	// Asked tells which metrics each scope was asked for.
	Asked map[Scope]map[MetricName]bool
	// Entities are those listed at the last pass (with None) and those that
	// vanished lately, with the time up to which they were listed.
	Entities map[Entity]Instant
	// Carried are the metrics of those entities that are not asked for of
	// every entity: outside the registry, or rare.
	Carried map[Entity][]MetricName
	// Identities are the present ones of those entities that are pods.
	Identities map[Entity]Identity
	// NamespaceLabels are the present ones of the namespaces that have any.
	NamespaceLabels map[string]string
	// NamespaceIDs are the names of namespaces by the ids that metric-export
	// has of them.
	NamespaceIDs map[string]string
}

package archive

import (
	"time"

	"heapstash/schema"
)

// Batch has the rows and facts that a pass writes at once: whole or not at all.
type Batch struct {
	Pass    PassID
	Cluster string
	Rows    []schema.Row
	Holes   []Hole
	// Horizon is the time of Heapster's newest batch that the pass knows to be whole.
	// None keeps the archive's horizon.
	Horizon schema.Instant
	// Watermarks replaces the watermarks of the scopes: they move forward, or back
	// after Heapster's clock stepped. None deletes a watermark.
	Watermarks map[schema.Scope]schema.Instant
	// Asked adds metrics that the pass asked for in the scopes.
	Asked map[schema.Scope][]schema.MetricName
	// Carried adds metrics of the entities that are rare or not in the registry.
	Carried map[schema.Entity][]schema.MetricName
	// Appeared are newly listed entities.
	Appeared []schema.Entity
	// Vanished are entities that are not listed any more, with the last time that
	// they were.
	Vanished map[schema.Entity]schema.Instant
	// Seen is the time at which Appeared were listed.
	Seen schema.Instant
	// Identities are the changed identities of pods.
	Identities []schema.Identity
	// NamespaceLabels are the changed labels of namespaces, empty if a namespace has
	// no labels any more.
	NamespaceLabels map[string]string
	// NamespaceIDs are the names of all namespaces with known ids, by id. They
	// replace the archive's ids. Nil keeps them.
	NamespaceIDs map[string]string
}

// Written counts the samples of a [Batch].
type Written struct {
	New        int // samples that the archive did not have
	Duplicates int // samples that it had with the same value
	Conflicts  int // samples that it had with another value
}

// Upkeep counts the rows that an archive's upkeep moved and deleted.
type Upkeep struct{ Moved, Deleted int64 }

// Recently is how long a vanished entity stays in [Memory]: Heapster shows two metrics
// for 15 minutes, and a scrape may be late.
const Recently = 20 * time.Minute

// Memory is an archive's state of a cluster at the begin of a pass.
type Memory struct {
	// Horizon is the time of Heapster's newest batch that the last pass knew to be
	// whole; None before the first pass.
	Horizon schema.Instant
	// Passed is when the pass of Horizon began, on the local clock; zero if it is not
	// known.
	Passed time.Time
	// Failure is the error of the last pass, empty if it did not fail.
	Failure string
	// Watermarks are the times up to which (inclusive) each scope was read whole.
	Watermarks map[schema.Scope]schema.Instant
	// Asked has the metrics that passes asked for in each scope.
	Asked map[schema.Scope]map[schema.MetricName]bool
	// Entities are the listed entities of the last pass (with None), and entities that
	// vanished [Recently], with the last time that they were listed.
	Entities map[schema.Entity]schema.Instant
	// Carried are the entities' metrics that are rare or not in the registry: a pass
	// asks only these entities for them.
	Carried map[schema.Entity][]schema.MetricName
	// Identities are the present identities of pods in Entities.
	Identities map[schema.Entity]schema.Identity
	// NamespaceLabels are the present labels of namespaces that have labels.
	NamespaceLabels map[string]string
	// NamespaceIDs are the names of namespaces by their ids in metric-export.
	NamespaceIDs map[string]string
}

package archive

import (
	"time"

	"heapstash/schema"
)

// Batch is what a pass has to store at once: it is written whole or not at
// all.
type Batch struct {
	Pass    PassID
	Cluster string
	Rows    []schema.Row
	Holes   []Hole
	// Horizon is the newest batch that the pass knows to be whole. None
	// leaves the one that the archive has.
	Horizon schema.Instant
	// Watermarks move (or, after Heapster's clock stepped, reset) the scopes
	// named. None drops a scope's.
	Watermarks map[schema.Scope]schema.Instant
	// Asked adds the metrics to those that the scopes have been asked for.
	Asked map[schema.Scope][]schema.MetricName
	// Carried adds metrics outside the registry, and rare ones, that the
	// entities were seen to carry.
	Carried map[schema.Entity][]schema.MetricName
	// Appeared are entities that are listed and were not before.
	Appeared []schema.Entity
	// Vanished are entities that are not listed any more, with the time up
	// to which they were.
	Vanished map[schema.Entity]schema.Instant
	// Seen is the time of Heapster's at which Appeared were listed.
	Seen schema.Instant
	// Identities are those of pods that have another one than before.
	Identities []schema.Identity
	// NamespaceLabels are those of namespaces that have others than before;
	// empty for none any more.
	NamespaceLabels map[string]string
	// NamespaceIDs are the names of all namespaces whose ids are known, by id,
	// in the place of those that the archive has. Nil leaves them.
	NamespaceIDs map[string]string
}

// Written tells what a [Batch] changed.
type Written struct {
	New        int // samples that the archive did not have
	Duplicates int // samples that it had, with the same value
	Conflicts  int // samples that it had with another value
}

// Upkeep counts the rows that an archive moved and deleted for its own order.
type Upkeep struct{ Moved, Deleted int64 }

// Recently is how long an entity that Heapster does not list any more stays in
// [Memory]. Heapster shows two metrics for 15 minutes, and a scrape may be late.
const Recently = 20 * time.Minute

// Memory is what an archive remembers of a cluster when a pass begins.
type Memory struct {
	// Horizon is the newest batch that the last pass knew to be whole; None
	// before the first.
	Horizon schema.Instant
	// Passed is when the pass of Horizon began, by the local clock; zero if
	// that is not known.
	Passed time.Time
	// Failure is why the last pass failed, empty if it did not.
	Failure string
	// Watermarks tell up to where (inclusive) each scope was read whole.
	Watermarks map[schema.Scope]schema.Instant
	// Asked tells which metrics each scope was asked for.
	Asked map[schema.Scope]map[schema.MetricName]bool
	// Entities are those listed at the last pass (with None) and those that
	// vanished lately, with the time up to which they were listed.
	Entities map[schema.Entity]schema.Instant
	// Carried are the metrics of those entities that are not asked for of
	// every entity: outside the registry, or rare.
	Carried map[schema.Entity][]schema.MetricName
	// Identities are the present ones of those entities that are pods.
	Identities map[schema.Entity]schema.Identity
	// NamespaceLabels are the present ones of the namespaces that have any.
	NamespaceLabels map[string]string
	// NamespaceIDs are the names of namespaces by the ids that metric-export
	// has of them.
	NamespaceIDs map[string]string
}

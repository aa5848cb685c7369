// Package transfer copies an archive into another one, of the same engine or of
// another: samples, names, the ledger, and what the next pass has to remember. A copy
// that is interrupted, or repeated, goes on where the two archives differ.
package transfer

import (
	"context"
	"iter"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/schema"
)

// Source is one state of an archive. One goroutine at a time may use it.
type Source interface {
	archive.Samples
	// Clusters returns the names of the clusters, sorted.
	Clusters(ctx context.Context) ([]string, error)
	// Span returns the times of the first and the last raw sample, both zero without
	// samples.
	Span(ctx context.Context) (schema.Window, error)
	// Memory is [collect.Store]'s.
	Memory(ctx context.Context, cluster string) (archive.Memory, error)
	// Records yields all that the archive has of the cluster beside samples and
	// memory: names first, then passes in the order of their ids. A record has 5,000
	// items at most. An error is the last item.
	Records(ctx context.Context, cluster string) iter.Seq2[Record, error]
}

// Target is an archive that is open for writing.
type Target interface {
	collect.Store
	// Status is [archive.Teller]'s.
	Status(ctx context.Context) (archive.Status, error)
	// Record stores a record. It is idempotent: after an error, the same record is
	// right. If the archive's horizon of the cluster is later than the record's, the archive keeps
	// what it knows of an item, and takes only an earlier begin.
	Record(ctx context.Context, r Record) error
	// Settle does all upkeep that is due, as of now, without deleting.
	Settle(ctx context.Context, now schema.Instant) error
	// OpenSamples opens the samples of this moment.
	OpenSamples(ctx context.Context) (archive.Samples, error)
}

// Record is a part of what an archive has beside samples.
type Record struct {
	Cluster string
	// Horizon is [archive.Memory.Horizon] in the source.
	Horizon    schema.Instant
	Entities   []Lifetime
	Identities []Identity
	Labels     []Labels
	Passes     []Pass
}

// Lifetime is an entity with the first and the last time that it was listed. Last is
// None while it is listed.
type Lifetime struct {
	Entity      schema.Entity
	First, Last schema.Instant
}

// Identity is an incarnation of a pod, from Since to To, both included. To is None for
// the present one.
type Identity struct {
	schema.Identity
	To schema.Instant
}

// Labels are a namespace's labels during the window, both ends included. To is None for
// the present ones.
type Labels struct {
	Namespace, Labels string
	schema.Window
}

// Pass is a pass that has ended, with its holes and conflicts. Its ID is the source's;
// another archive may give it another one.
type Pass struct {
	archive.Pass
	Holes     []archive.Hole
	Conflicts []archive.Conflict
}

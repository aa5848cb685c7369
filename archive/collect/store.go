package collect

import (
	"context"

	"heapstash/archive"
	"heapstash/schema"
)

// Store is an archive that a pass writes. Its methods are called from one
// goroutine. The caller keeps other writers of the same cluster out where the
// engine needs that.
//
// Rows have keys, and Write is idempotent: after an error the caller may write the
// same batch, or one that overlaps it. Memory never runs ahead of the rows: a
// watermark is stored after, or together with, every row up to it. archivetest
// holds each engine to this.
type Store interface {
	// BeginPass opens a line of the ledger, and marks lines that are still open
	// as abandoned.
	BeginPass(ctx context.Context, p archive.Pass) (archive.PassID, error)
	// EndPass closes the line and adds the holes.
	EndPass(ctx context.Context, p archive.Pass, holes []archive.Hole) error
	// Memory returns what the archive remembers of the cluster.
	Memory(ctx context.Context, cluster string) (archive.Memory, error)
	// Write stores the batch. A sample that is stored already keeps its first
	// value; [schema.Value.Meet] has the rule.
	Write(ctx context.Context, b archive.Batch) (archive.Written, error)
	// Upkeep rearranges stored samples, and deletes what is older than the
	// archive keeps: a small share of both, for every pass. Now is Heapster's
	// clock or the local one, the earlier of the two.
	Upkeep(ctx context.Context, now schema.Instant) (archive.Upkeep, error)
}

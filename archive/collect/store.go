package collect

import (
	"context"

	"heapstash/archive"
	"heapstash/schema"
)

// Store is what a pass writes. Its methods are called from one goroutine. The
// caller holds whatever keeps other writers out.
type Store interface {
	Ledger
	Writer
	Compactor
	Pruner
}

// Ledger keeps a line about each pass.
type Ledger interface {
	// BeginPass opens a line, and marks lines left open as abandoned.
	BeginPass(ctx context.Context, p archive.Pass) (archive.PassID, error)
	// EndPass closes the line and adds the holes.
	EndPass(ctx context.Context, p archive.Pass, holes []archive.Hole) error
}

// Writer stores samples, and what the next pass will want to know.
type Writer interface {
	// Memory returns what is known of the cluster.
	Memory(ctx context.Context, cluster string) (archive.Memory, error)
	// Write stores the batch whole or not at all. Samples that are stored
	// already stay as they are.
	Write(ctx context.Context, b archive.Batch) (archive.Written, error)
}

// Compactor rearranges what is stored, for space.
type Compactor interface {
	// Compact may rearrange everything up to now, Heapster's clock or the
	// local one, whichever is earlier.
	Compact(ctx context.Context, now schema.Instant) (rows int64, err error)
}

// Pruner forgets what is older than it is to keep, if that is limited.
type Pruner interface {
	// Prune forgets some of it, little enough for every pass. The time now is
	// that of Compact.
	Prune(ctx context.Context, now schema.Instant) (rows int64, err error)
}

package archive

import (
	"context"

	"heapstash/schema"
)

// Teller reports which samples an archive has, and which are missing. Every engine
// implements it.
type Teller interface {
	// Status returns the present status, with Holes and Usage nil.
	Status(ctx context.Context) (Status, error)
	// Holes returns the ledger's holes, the oldest first, and an empty list if there
	// are none. It leaves out holes whose missing time ends before since, and holes
	// without a time of passes that began before since. None returns all. More than
	// 100,000 holes are an error.
	Holes(ctx context.Context, since schema.Instant) ([]RecordedHole, error)
}

// Status describes an archive's samples, passes and size.
type Status struct {
	Path    string        `json:"path"`
	Bytes   int64         `json:"bytes"`   // on disk, the -wal or -journal file included
	Used    int64         `json:"used"`    // on disk, without free pages
	Free    int64         `json:"free"`    // bytes that this user may still write on the file system, -1 if not known
	Version int           `json:"version"` // of the schema
	Kinds   []KindStatus  `json:"kinds"`
	Passes  []PassStatus  `json:"passes"` // the newest first
	Causes  []CauseStatus `json:"holes"`
	// InLake are the raw rows that pruning wrote to the lake. Lake is what is there, if the
	// command looks.
	InLake []LakeSpan  `json:"in_lake,omitempty"`
	Lake   []LakeUsage `json:"lake,omitempty"`
	// Holes is the result of [Teller.Holes], if the command shows it; else nil.
	Holes []RecordedHole `json:"gaps,omitzero"`
	// Usage is nil unless the command shows it.
	Usage *Usage `json:"usage,omitempty"`
}

// KindStatus describes an archive's samples of a kind in a cluster.
type KindStatus struct {
	Cluster  string      `json:"cluster"`
	Kind     schema.Kind `json:"kind"`
	Entities int         `json:"entities"`
	Listed   int         `json:"listed"` // at the last pass
	// Oldest and Newest bound the raw samples; None without samples.
	Oldest schema.Instant `json:"oldest"`
	Newest schema.Instant `json:"newest"`
	// Hourly and Daily are the begins of the first and last hour or day; nil without
	// rollups.
	Hourly *Range `json:"hourly,omitempty"`
	Daily  *Range `json:"daily,omitempty"`
}

// Range has the times of the first and the last row.
type Range struct {
	Oldest schema.Instant `json:"oldest"`
	Newest schema.Instant `json:"newest"`
}

// PassStatus is a pass in the ledger.
type PassStatus struct {
	ID         PassID         `json:"pass"`
	Cluster    string         `json:"cluster"`
	Started    schema.Instant `json:"started"` // on the local clock
	DurationMS int64          `json:"duration_ms"`
	Outcome    Outcome        `json:"outcome"`
	Error      string         `json:"error,omitempty"`
	New        int            `json:"samples_new"`
	Conflicts  int            `json:"conflicts"`
	GapSeconds int64          `json:"gap_seconds"`
}

// CauseStatus counts the holes of a cause.
type CauseStatus struct {
	Cause   Cause          `json:"cause"`
	Lasting bool           `json:"lasting"`
	Holes   int            `json:"holes"`
	Seconds int64          `json:"seconds"` // lost, as far as known
	Last    schema.Instant `json:"last"`    // start of the last pass with such a hole
}

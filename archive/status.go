package archive

import (
	"context"

	"heapstash/schema"
)

// Teller tells what an archive has and what is missing. Every engine has one.
type Teller interface {
	// Status returns what the archive has now. Its Holes and Usage are nil.
	Status(ctx context.Context) (Status, error)
	// Holes returns the ledger's holes, the oldest first, and an empty list if there
	// are none. It leaves out holes whose missing time ends before since, and holes
	// without a time of passes that began before since. None returns all. More than
	// 100,000 holes are an error.
	Holes(ctx context.Context, since schema.Instant) ([]RecordedHole, error)
}

// Status tells what an archive holds.
type Status struct {
	Path    string        `json:"path"`
	Bytes   int64         `json:"bytes"`   // on disk, the -wal or -journal file included
	Used    int64         `json:"used"`    // of the file, without its free pages
	Free    int64         `json:"free"`    // bytes that this user may fill on its file system, -1 if not known
	Version int           `json:"version"` // of the schema
	Kinds   []KindStatus  `json:"kinds"`
	Passes  []PassStatus  `json:"passes"` // the newest first
	Causes  []CauseStatus `json:"holes"`
	// Holes are the result of [Teller.Holes], for commands that show them; else nil.
	Holes []RecordedHole `json:"gaps,omitzero"`
	// Usage is for commands that show it; else nil.
	Usage *Usage `json:"usage,omitempty"`
}

// KindStatus tells what an archive holds of one kind in one cluster.
type KindStatus struct {
	Cluster  string      `json:"cluster"`
	Kind     schema.Kind `json:"kind"`
	Entities int         `json:"entities"`
	Listed   int         `json:"listed"` // at the last pass
	// Oldest and Newest bound its raw samples, None without one.
	Oldest schema.Instant `json:"oldest"`
	Newest schema.Instant `json:"newest"`
	// Hourly and Daily bound its rollups: when the first and the last hour or
	// day begin. They are nil without one.
	Hourly *Range `json:"hourly,omitempty"`
	Daily  *Range `json:"daily,omitempty"`
}

// Range is the time of a first and of a last row.
type Range struct {
	Oldest schema.Instant `json:"oldest"`
	Newest schema.Instant `json:"newest"`
}

// PassStatus is one line of the ledger.
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

// CauseStatus counts the holes of one cause.
type CauseStatus struct {
	Cause   Cause          `json:"cause"`
	Lasting bool           `json:"lasting"`
	Holes   int            `json:"holes"`
	Seconds int64          `json:"seconds"` // lost, where that is known
	Last    schema.Instant `json:"last"`    // the start of the last pass that had one
}

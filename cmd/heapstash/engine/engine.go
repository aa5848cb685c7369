// Package engine is the commands' one way to an archive: it opens archives for
// passes and for readers, and does to an archive's file what only SQLite's engine
// does. No other package of the commands imports an engine.
package engine

import (
	"context"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/repair"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/sqlite/upkeep"
)

// Store is an archive that is open for writing.
type Store = sqlite.Store

// Options say how an archive is opened for writing.
type Options = sqlite.Options

// Migration is the progress of an older archive's migration.
type Migration = sqlite.Migration

// UpkeepTurn is how long upkeep holds the archive's lock at a time.
const UpkeepTurn = upkeep.UpkeepTurn

// Open opens the archive at the path for writing, and makes one if there is none.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	return sqlite.Open(ctx, path, opts)
}

// Reader is an archive that is open for reading.
type Reader = sqlite.Reader

// A View is a public view of an archive, with its columns.
type (
	View       = tables.View
	ViewColumn = tables.ViewColumn
)

// RolledMeaning says what a rollup's column has, such as avg.
func RolledMeaning(what string) string { return tables.RolledMeaning(what) }

// Read opens the archive at the path for reading.
func Read(ctx context.Context, path string) (*Reader, error) { return sqlite.OpenReader(ctx, path) }

// Usage is what takes the space of an archive.
type Usage = archive.Usage

// Examination is what a look at an archive's file and its directory tells.
type (
	Examination = read.Examination
	FileSystem  = dbfile.FileSystem
)

// The kinds of file systems.
const (
	SafetyLocal    = dbfile.SafetyLocal
	SafetyRemote   = dbfile.SafetyRemote
	SafetyUser     = dbfile.SafetyUser
	SafetyFleeting = dbfile.SafetyFleeting
)

// Examine looks at the archive at the path and changes nothing. The last pass in
// the result is the one over the cluster.
func Examine(ctx context.Context, path, cluster string) (Examination, error) {
	return read.Examine(ctx, path, cluster)
}

// SQLiteVersion is the version of the SQLite that is compiled in.
func SQLiteVersion() string { return read.SQLiteVersion() }

// FreeSpace is how many bytes this user may still write where the path lies.
func FreeSpace(path string) (int64, error) { return dbfile.FreeSpace(path) }

// Compaction is what Compact did.
type Compaction = upkeep.Compaction

// Compact moves the closed hours and returns free space, as of now.
func Compact(ctx context.Context, path string, opts Options, now time.Time) (Compaction, error) {
	return upkeep.Compact(ctx, path, opts, now)
}

// Prunable is what Prune would delete, and Pruned what it did delete.
type (
	Prunable      = upkeep.Prunable
	PrunableKind  = upkeep.PrunableKind
	PrunableLevel = upkeep.PrunableLevel
	Pruned        = upkeep.Pruned
)

// Prune deletes what is older than the options keep, as of now.
func Prune(ctx context.Context, path string, opts Options, now time.Time) (Pruned, error) {
	return upkeep.Prune(ctx, path, opts, now)
}

// Snapshot is what Copy made.
type (
	Snapshot        = sqlite.Snapshot
	SnapshotOptions = sqlite.SnapshotOptions
)

// Copy writes a copy of the archive, as it is at one moment, to another file.
func Copy(ctx context.Context, path, to string, opts SnapshotOptions) (Snapshot, error) {
	return sqlite.TakeSnapshot(ctx, path, to, opts)
}

// CheckReport is what a check found.
type (
	CheckOptions = check.Options
	CheckReport  = check.Report
)

// Repaired is what Repair read, lost and changed.
type (
	RepairOptions = repair.Options
	Repaired      = repair.Report
)

// Repair copies what can be read of a damaged archive to a new one.
func Repair(ctx context.Context, path, to string, opts RepairOptions) (Repaired, error) {
	return repair.Run(ctx, path, to, opts)
}

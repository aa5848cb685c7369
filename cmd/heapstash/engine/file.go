package engine

import (
	"context"
	"os"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/repair"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/sqlite/upkeep"
)

type (
	// FileOptions say how an SQLite archive is opened for writing.
	FileOptions = sqlite.Options
	// Migration is the progress of an older archive's migration.
	Migration = sqlite.Migration
	// View is a public view of an archive, or a table.
	View       = tables.View
	ViewColumn = tables.ViewColumn
	// Examination is the result of [Examine].
	Examination = read.Examination
	FileSystem  = dbfile.FileSystem
	// Compaction is the result of [Compact].
	Compaction = upkeep.Compaction
	// Prunable is what [Prune] would delete, and Pruned is its result.
	Prunable      = upkeep.Prunable
	PrunableKind  = upkeep.PrunableKind
	PrunableLevel = upkeep.PrunableLevel
	Pruned        = upkeep.Pruned
	// Snapshot is the result of [Copy].
	Snapshot        = sqlite.Snapshot
	SnapshotOptions = sqlite.SnapshotOptions
	// CheckReport is the findings of a check.
	CheckOptions = check.Options
	CheckReport  = check.Report
	// Repaired is the result of [Repair].
	RepairOptions = repair.Options
	Repaired      = repair.Report
)

const (
	// UpkeepLockTime is about how long upkeep holds the archive's lock at a time.
	UpkeepLockTime = upkeep.LockTime

	// The kinds of file systems.
	SafetyLocal    = dbfile.SafetyLocal
	SafetyRemote   = dbfile.SafetyRemote
	SafetyUser     = dbfile.SafetyUser
	SafetyFleeting = dbfile.SafetyFleeting
)

// File is an SQLite archive that is open for reading, with what only SQLite's engine
// does.
type File struct{ *sqlite.Reader }

// ReadFile opens the SQLite archive at the path for reading.
func ReadFile(ctx context.Context, path string) (File, error) {
	reader, err := sqlite.OpenReader(ctx, path)
	return File{reader}, err
}

// Dialect implements [Reader].
func (File) Dialect() Dialect { return SQLite }

// Select implements [Reader].
func (f File) Select(ctx context.Context, statement string, begin func([]string) error, row func([]any) error) error {
	rows, err := f.Query(ctx, statement)
	if err != nil {
		return err
	}
	defer rows.Close() // its error is that of rows.Err
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	if err := begin(columns); err != nil {
		return err
	}
	values, targets := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := row(values); err != nil {
			return err
		}
	}
	return f.WithRemedy(rows.Err())
}

// ViewNames returns the names of views.
func ViewNames(views []View) []string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.Name
	}
	return names
}

// RolledMeaning says what a rollup's column has, such as avg.
func RolledMeaning(what string) string { return tables.RolledMeaning(what) }

// Examine looks at the archive at the path and changes nothing. The last pass in
// the result is the one over the cluster.
func Examine(ctx context.Context, path, cluster string) (Examination, error) {
	return read.Examine(ctx, path, cluster)
}

// SQLiteVersion returns the version of the SQLite that is compiled in.
func SQLiteVersion() string { return read.SQLiteVersion() }

// FreeSpace returns how many bytes this user may still write on the path's disk.
func FreeSpace(path string) (int64, error) { return dbfile.FreeSpace(path) }

// Compact moves the closed hours and returns free space, as of now.
func Compact(ctx context.Context, path string, opts FileOptions, now time.Time) (Compaction, error) {
	return upkeep.Compact(ctx, path, opts, now)
}

// Prune deletes rows that are older than the options allow, as of now.
func Prune(ctx context.Context, path string, opts FileOptions, now time.Time) (Pruned, error) {
	return upkeep.Prune(ctx, path, opts, now)
}

// Copy writes a copy of the archive, as it is at one moment, to another file.
func Copy(ctx context.Context, path, to string, opts SnapshotOptions) (Snapshot, error) {
	return sqlite.TakeSnapshot(ctx, path, to, opts)
}

// Repair copies what can be read of a damaged archive to a new one.
func Repair(ctx context.Context, path, to string, opts RepairOptions) (Repaired, error) {
	return repair.Run(ctx, path, to, opts)
}

// FileSize returns a file's size in bytes, 0 if it is not there.
func FileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

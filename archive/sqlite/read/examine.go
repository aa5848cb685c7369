package read

import (
	"context"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
)

// Examination describes an archive and its directory, found without writing.
type Examination struct {
	Path   string
	Exists bool
	// Err is the error of reading the file as an archive; nil without a file.
	Err     error
	Version int   // of the schema; zero if it could not be read
	Newest  int   // version of the schema that this heapstash knows
	Bytes   int64 // on disk, the -wal file included

	// Unwritable is the error that this process would get when it writes the archive,
	// as far as known; else nil.
	Unwritable error
	Directory  string // of the file, with links resolved
	FileSystem dbfile.FileSystem
	Free       int64 // bytes that this user may still write; negative if Free and FileSystem are not known
	// Locked is set while a writer holds the archive's lock.
	Locked bool

	// Growth is the result of [archive.Status.Growth], nil if it is not known.
	Growth *archive.Growth
	// InLake are the raw rows that pruning wrote to the lake.
	InLake []archive.LakeSpan
	// LastPass is the cluster's last pass, nil without one.
	LastPass *archive.PassStatus
	// Unknown is the number of the cluster's listed pods with an unknown incarnation:
	// metric-export does not distinguish them from pods of the same name in other
	// namespaces.
	Unknown int
}

// Examine examines the archive at path and the last pass of the cluster. Faults are in
// the Examination; the error is ctx's.
//
// Examine neither creates nor changes an archive, but SQLite may leave -wal and -shm
// files, as every reader does. To test the lock, Examine shares it for some
// microseconds: a writer that does not wait would fail then.
func Examine(ctx context.Context, path, cluster string) (Examination, error) {
	x := Examination{Path: path, Free: -1}
	scripts, err := conn.Migrations()
	if err != nil {
		return Examination{}, err
	}
	x.Newest = len(scripts)
	file := dbfile.RealFile(path)
	x.Locked = dbfile.IsLocked(dbfile.LockOf(file))
	x.Exists, x.Err = conn.Inspect(path)
	if x.Err == nil && !x.Exists {
		x.Err = dbfile.CheckLeftovers(path, file, x.Newest)
	}
	if x.Exists {
		x.Err = x.read(ctx, cluster)
	} else if x.Err != nil {
		x.Exists = true
	}
	if ctx.Err() != nil {
		return Examination{}, ctx.Err()
	}
	x.examineDirectory(file)
	return x, nil
}

const (
	selectLastPass = `SELECT ` + passColumns + ` FROM pass WHERE cluster = ? ORDER BY id DESC LIMIT 1`
	countUnknown   = `SELECT count(*) FROM entity e WHERE e.cluster = ?1 AND e.kind = 'pod' AND e.labels = '' AND e.last_seen IS NULL
		AND e.namespace IN (SELECT h.namespace FROM hole h JOIN pass p ON p.id = h.pass_id
			WHERE p.cluster = ?1 AND h.lasting AND h.kind = 'pod' AND h.pod = '' AND h.cause = 'export')
		AND NOT EXISTS (SELECT 1 FROM pod_identity i WHERE i.entity_id = e.id AND i.valid_to IS NULL)`
)

// read reads the file's version and its ledger.
func (x *Examination) read(ctx context.Context, cluster string) error {
	r, err := conn.OpenReader(ctx, x.Path)
	if err != nil {
		return err
	}
	defer r.Close() // read only
	if x.Version, err = conn.FileVersion(ctx, r.DB, x.Path, x.Newest); err != nil {
		return conn.WithRemedy(x.Path, err)
	}
	if x.Bytes, err = dbfile.SizeOf(x.Path); err != nil {
		return conn.WithRemedy(x.Path, err)
	}
	status, err := Status(ctx, r)
	if err != nil {
		return err
	}
	x.InLake = status.InLake
	if g, known := status.Growth(); known {
		x.Growth = &g
	}
	if err := r.DB.QueryRowContext(ctx, countUnknown, cluster).Scan(&x.Unknown); err != nil {
		return conn.WithRemedy(x.Path, err)
	}
	last, err := conn.List(ctx, r.DB, passTargets, selectLastPass, cluster)
	if err != nil {
		return conn.WithRemedy(x.Path, err)
	}
	if len(last) > 0 {
		x.LastPass = &last[0]
	}
	return nil
}

// examineDirectory examines the directory and the files beside the archive.
func (x *Examination) examineDirectory(file string) {
	x.Directory = filepath.Dir(file)
	x.Unwritable = conn.WithRemedy(x.Path, dbfile.CheckWritable(file))
	if system, free, err := dbfile.DiskOf(x.Directory); err == nil {
		x.FileSystem, x.Free = system, free
	}
	// The lock is tested before and after reading the ledger, so that a running pass
	// does not look like a killed one.
	x.Locked = x.Locked || dbfile.IsLocked(dbfile.LockOf(file))
}

// SQLiteVersion returns the version of the compiled-in SQLite.
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}

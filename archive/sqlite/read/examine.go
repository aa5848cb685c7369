package read

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
)

// Examination is what can be told of an archive, and of the place where it
// lies or would be made, without writing anything.
type Examination struct {
	Path   string
	Exists bool
	// Err is why the file cannot be read as an archive; nil without a file.
	Err     error
	Version int   // of the schema; zero if it could not be read
	Newest  int   // the version that this heapstash knows
	Bytes   int64 // on disk, the -wal file included

	// Unwritable is why this process could not write the archive, nil if
	// nothing is known to keep it from that.
	Unwritable error
	Directory  string // where the file really lies, after links
	FileSystem dbfile.FileSystem
	Free       int64 // bytes that this user may fill; negative if that and FileSystem are not known
	// Locked is set while a writer holds the archive's lock.
	Locked bool

	// Growth is how much the archive takes a day, as [Status.Growth] has it; nil
	// where that is not known.
	Growth *archive.Growth
	// LastPass is the last one of the cluster asked for, nil without one.
	LastPass *archive.PassStatus
	// Unknown is the number of the cluster's listed pods whose incarnation is
	// not known, for metric-export does not tell them from pods of the same name
	// in other namespaces.
	Unknown int
}

// Examine looks at the archive at path, of which the last pass over the
// cluster matters. What is wrong is in the Examination; the error is ctx's.
//
// It neither creates nor changes an archive; SQLite's -wal and -shm files may
// stay beside one, as after any reading. To see whether a writer holds
// the lock it has to share that for some microseconds, in which a writer that
// does not wait would find it taken.
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
	x.examinePlace(file)
	return x, nil
}

const (
	selectLastPass = `SELECT id, cluster, started, ifnull(duration_ms, 0), outcome, ifnull(error, ''),
		ifnull(samples_new, 0), ifnull(conflicts, 0), ifnull(gap_seconds, 0) FROM pass
		WHERE cluster = ? ORDER BY id DESC LIMIT 1`
	countUnknown = `SELECT count(*) FROM entity e WHERE e.cluster = ?1 AND e.kind = 'pod' AND e.labels = '' AND e.last_seen IS NULL
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
	if x.Version, err = conn.FileVersion(ctx, r.Db, x.Path, x.Newest); err != nil {
		return conn.Explain(x.Path, err)
	}
	if x.Bytes, err = dbfile.SizeOf(x.Path); err != nil {
		return conn.Explain(x.Path, err)
	}
	status, err := Status(ctx, r)
	if err != nil {
		return err
	}
	if g, known := status.Growth(); known {
		x.Growth = &g
	}
	if err := r.Db.QueryRowContext(ctx, countUnknown, cluster).Scan(&x.Unknown); err != nil {
		return conn.Explain(x.Path, err)
	}
	var p archive.PassStatus
	err = r.Db.QueryRowContext(ctx, selectLastPass, cluster).Scan(&p.ID, &p.Cluster, &p.Started, &p.DurationMS,
		&p.Outcome, &p.Error, &p.New, &p.Conflicts, &p.GapSeconds)
	switch {
	case err == nil:
		x.LastPass = &p
	case !errors.Is(err, sql.ErrNoRows):
		return conn.Explain(x.Path, err)
	}
	return nil
}

// examinePlace looks at the directory and the files beside the archive.
func (x *Examination) examinePlace(file string) {
	x.Directory = filepath.Dir(file)
	x.Unwritable = conn.Explain(x.Path, dbfile.CheckWritable(file))
	if system, free, err := dbfile.DiskOf(x.Directory); err == nil {
		x.FileSystem, x.Free = system, free
	}
	// Looked at before and after the ledger, so that a pass that runs is not
	// taken for one that died.
	x.Locked = x.Locked || dbfile.IsLocked(dbfile.LockOf(file))
}

// SQLiteVersion is the version of the SQLite that is compiled in.
func SQLiteVersion() string {
	version, _, _ := sqlite3.Version()
	return version
}

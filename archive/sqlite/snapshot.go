package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

// SnapshotOptions are the options of [TakeSnapshot].
type SnapshotOptions struct {
	conn.Options
	// Replace allows replacing an earlier snapshot. Processes that have it open keep
	// reading the old one.
	Replace bool
}

// Snapshot is the result of [TakeSnapshot].
type Snapshot struct {
	Path    string         `json:"path"`
	Bytes   int64          `json:"bytes"`
	Horizon schema.Instant `json:"horizon"` // the newest whole batch in it, None if it has none
}

// TakeSnapshot copies the archive at path, as it is at one moment, to the file to. Passes
// keep writing, unless the archive has no write-ahead log, as on network file systems:
// then it is locked meanwhile. The copy is written as to + ".partial", which replaces the
// remains of a killed snapshot, and renamed when it is complete.
func TakeSnapshot(ctx context.Context, path, to string, opts SnapshotOptions) (Snapshot, error) {
	r, err := conn.OpenReader(ctx, path)
	if err != nil {
		return Snapshot{}, err
	}
	if err := r.Close(); err != nil {
		return Snapshot{}, err
	}
	if err := checkTarget(path, to, opts.Replace); err != nil {
		return Snapshot{}, err
	}
	absolute, err := filepath.Abs(to)
	if err != nil {
		return Snapshot{}, targetError(to, err)
	}
	draft, err := dbfile.ClaimDraft(absolute+dbfile.PartialSuffix, opts.CreateMode())
	if err != nil {
		return Snapshot{}, targetError(to, err)
	}
	s := Snapshot{}
	err = copyArchive(ctx, path, draft.Path, opts)
	if err == nil {
		s, err = inspectDraft(ctx, draft.Path)
	}
	if err == nil {
		err = checkTarget(path, to, opts.Replace)
	}
	if err == nil {
		s.Path = absolute
		err = draft.Publish(absolute)
	}
	return s, errors.Join(targetError(to, err), draft.Close())
}

// checkTarget refuses a target that is the archive itself, is in use, or is a file of
// another kind.
func checkTarget(path, to string, replace bool) error {
	refuse := func(hint, format string, args ...any) error {
		return &dbfile.Error{Path: to, Role: "snapshot", Err: fmt.Errorf(format, args...), Remedy: hint}
	}
	const another = "name another file for the snapshot"
	source, err := os.Stat(path)
	if err != nil {
		return conn.WithRemedy(path, err)
	}
	for _, name := range []string{dbfile.WriteAheadLog, dbfile.WriteAheadLogIndex, dbfile.RollbackJournal, dbfile.LockSuffix, dbfile.NewSuffix} {
		if strings.HasSuffix(to, name) {
			return refuse(another, "files named %s are SQLite's or heapstash's own", name)
		}
	}
	target, err := os.Stat(to)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return targetError(to, err)
	case !missing && os.SameFile(source, target):
		return refuse(another, "it is the archive itself")
	}
	if draft, err := os.Stat(to + dbfile.PartialSuffix); err == nil && os.SameFile(source, draft) {
		return refuse(another, "it would be written as %s, which is the archive itself", to+dbfile.PartialSuffix)
	}
	for _, beside := range []string{dbfile.WriteAheadLog, dbfile.RollbackJournal} {
		// SQLite would apply it to the snapshot.
		if _, err := os.Lstat(to + beside); err == nil {
			return refuse(another+", or remove that one if nothing uses it", "there is a %s: it may be in use by another program", to+beside)
		}
	}
	switch {
	case missing:
		return nil
	case target.IsDir():
		return refuse("name a file in it, such as "+filepath.Join(to, "heapstash.db"), "it is a directory")
	case !replace:
		return refuse("--force replaces it", "there is a file")
	}
	if ours, err := conn.Inspect(to); err != nil || !ours && target.Size() > 0 {
		return refuse(another, "there is a file that is no heapstash archive")
	}
	return nil
}

func copyArchive(ctx context.Context, path, draft string, opts SnapshotOptions) (err error) {
	file, err := dbfile.Resolve(path)
	if err != nil {
		return err
	}
	// query_only would forbid writing the copy too.
	db, err := conn.OpenDB(file, "ro", url.Values{"_synchronous": {"FULL"}})
	if err != nil {
		return conn.WithRemedy(path, err)
	}
	defer func() { err = errors.Join(err, conn.WithRemedy(path, db.Close())) }()
	var mode string
	used, err := conn.UsedBytes(ctx, db)
	if err := errors.Join(err, db.QueryRowContext(ctx, conn.SelectJournalMode).Scan(&mode)); err != nil {
		return conn.WithRemedy(path, err)
	}
	if mode != "wal" {
		// Without a write-ahead log, a reader keeps writers from committing.
		lock, err := dbfile.TakeLock(ctx, path, file, opts.LockWait, opts.CreateMode(), dbfile.DiskOf)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
	}
	if err := dbfile.CheckSpace(draft, opts.MinFree, used); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, conn.VacuumInto, draft)
	return conn.WithRemedy(path, err)
}

// inspectDraft reads the written copy, which proves that it can be read.
func inspectDraft(ctx context.Context, draft string) (s Snapshot, err error) {
	r, err := conn.OpenReader(ctx, draft)
	if err != nil {
		return s, err
	}
	err = r.DB.QueryRowContext(ctx, conn.SelectLastHorizon).Scan(&s.Horizon)
	if err := errors.Join(err, r.Close()); err != nil {
		return s, err
	}
	s.Bytes, err = dbfile.SizeOf(draft)
	return s, err
}

// targetError adds a hint to an error about the snapshot's own file, as [conn.WithRemedy]
// does for the archive.
func targetError(to string, err error) error {
	var known *dbfile.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	hint := conn.RemedyFor(err)
	// The error names the draft, not the user's FILE: its directory is the cause.
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		switch absolute, _ := filepath.Abs(to); {
		case path.Path == absolute+dbfile.PartialSuffix && path.Op == "open":
			err = fmt.Errorf("directory %s: %w", filepath.Dir(to), path.Err)
		default:
			err = path.Err
		}
	}
	switch {
	case errors.Is(err, dbfile.ErrDraftInUse):
		hint = "wait for that one, or name another file"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		hint = "create the directory first, or name another file for the snapshot"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		hint = "its directory must be writable to this user; or name another file for the snapshot"
	case errors.Is(err, unix.ENAMETOOLONG):
		hint = "name another file for the snapshot"
	}
	return &dbfile.Error{Path: to, Role: "snapshot", Err: err, Remedy: hint}
}

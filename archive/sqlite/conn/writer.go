// Package conn opens archives: [Writer] and [Reader] are connections to SQLite with
// the right pragmas, transactions, settings and migrations. What is read or written
// over them is the business of the packages above: no samples here.
package conn

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"heapstash/archive"
	"heapstash/archive/sqlite/dbfile"
	_ "heapstash/archive/sqlite/strict"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Limited reports whether anything is to be deleted some time.
func (o Options) Limited() bool { return o.Retention.Limited() || o.MaxSize > 0 }

// Options set how a [Store] is opened.
type Options struct {
	// LockWait is how long to wait for another writer to finish. Zero tries
	// once.
	LockWait time.Duration
	// Expect is the [Writer.ID] of the archive that must be at the path: then none
	// is created, and another one is refused. Empty allows any.
	Expect string
	// Migrating, if not nil, is called at the begin and the end of a migration,
	// and every few seconds between, then from another goroutine.
	Migrating func(Migration)
	// MinFree is how many bytes must stay free on the archive's file system. With
	// less, nothing is stored, moved or copied there. Zero switches the check off.
	MinFree int64
	// Mode is the mode of new files: an archive, its lock, a snapshot. Zero means
	// 0600. An existing archive keeps its mode, and SQLite gives it to the -wal
	// and -shm files.
	Mode fs.FileMode
	// Retention is what [Store.Prune] and [Prune] leave.
	Retention archive.Retention
	// MaxSize is how many bytes of the file may be in use. If it is more, the
	// oldest rows are deleted, raw ones first. Zero means no limit.
	MaxSize int64
	// Lake, if not nil, gets a day's raw rows before they are pruned.
	Lake archive.Lake

	// For tests; [Options.Filled] sets them.
	Disk        dbfile.Disk
	Steps       []Step
	ReportEvery time.Duration
	Waiting     func() // called before the lock is taken
}

// Filled returns the options with defaults for what only tests set.
func (o Options) Filled() (Options, error) {
	if o.Disk == nil {
		o.Disk = dbfile.DiskOf
	}
	if o.ReportEvery == 0 {
		o.ReportEvery = reportEvery
	}
	if o.Waiting == nil {
		o.Waiting = func() {}
	}
	if o.Steps != nil {
		return o, nil
	}
	var err error
	o.Steps, err = Migrations()
	return o, err
}

// CreateMode is the mode of new files.
func (o Options) CreateMode() fs.FileMode { return cmp.Or(o.Mode, dbfile.DefaultMode) }

// Writer is an archive open for writing. It holds the archive's kernel lock
// from [OpenWriter] to [Writer.Close]: keep it for one operation, not for a
// process's life. Use it from one goroutine.
type Writer struct {
	Path    string // as it was given
	file    string // where that leads
	opened  fs.FileInfo
	System  dbfile.FileSystem
	lost    bool // see CheckPath
	id      string
	Options Options
	DB      *sql.DB
	lock    *dbfile.Lock
	Layout  tables.Layout

	Rollups   map[string]*tables.Rollup // by table name
	Compacted map[string]schema.Instant // by table name
}

// OpenWriter opens the archive for writing, creates it where there is none, and
// brings an older one to the newest version. The error wraps
// [archive.ErrNotArchive], [archive.ErrNewerArchive], [archive.ErrLocked], or, of
// an archive that is expected, [archive.ErrNoArchive] or
// [archive.ErrOtherArchive], where one of them is the reason; then nothing was
// changed on disk.
func OpenWriter(ctx context.Context, path string, opts Options) (*Writer, error) {
	opts, err := opts.Filled()
	if err != nil {
		return nil, err
	}
	header, err := dbfile.ReadHeader(path, len(opts.Steps))
	if err != nil {
		return nil, err
	}
	if !header.Exists && opts.Expect != "" {
		return nil, dbfile.LostArchive(path, "it was there before")
	}
	file, err := dbfile.Resolve(path)
	if err != nil {
		return nil, err
	}
	if err := dbfile.CheckLeftovers(path, file, len(opts.Steps)); err != nil {
		return nil, err
	}
	opts.Waiting()
	lock, err := dbfile.TakeLock(ctx, path, file, opts.LockWait, opts.CreateMode(), opts.Disk)
	if err != nil {
		return nil, err
	}
	s := &Writer{Path: path, file: file, Options: opts, lock: lock, System: opts.Disk.FileSystem(file)}
	s.Layout = tables.NewLayout()
	s.Rollups = s.Layout.Rollups()
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(WithRemedy(path, err), s.Close())
	}
	return s, nil
}

func (s *Writer) open(ctx context.Context) error {
	opts := s.Options
	// The last holder of the lock may have created or upgraded the archive.
	header, err := dbfile.ReadHeader(s.Path, len(opts.Steps))
	if err != nil {
		return err
	}
	if !header.Exists && opts.Expect != "" {
		return dbfile.LostArchive(s.Path, "it was there before")
	}
	if err := dbfile.ConfirmLeftovers(s.Path, s.file, len(opts.Steps)); err != nil {
		return err
	}
	if !header.Exists {
		if err := Create(ctx, s.file, opts.CreateMode(), opts.Steps); err != nil {
			return err
		}
	}
	journal, err := s.keepJournal(ctx, header.WriteAhead, len(opts.Steps))
	if err != nil {
		return err
	}
	pragmas := url.Values{
		"_txlock":       {"immediate"}, // a read that turns into a write would fail at once otherwise
		"_journal_mode": {journal},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
	}
	if journal == journalRollback {
		pragmas.Set("_busy_timeout", busyRollback)
	}
	if s.DB, err = OpenDB(s.file, "rw", pragmas); err != nil {
		return err
	}
	if journal == journalWriteAhead {
		if err := keepLogFiles(ctx, s.DB); err != nil {
			return err
		}
	}
	if s.id, err = Setting(ctx, s.DB, "archive_id"); err != nil {
		return err
	}
	// After opening it: a file of a container's image gets another inode number
	// when it is opened for writing.
	if s.opened, err = os.Stat(s.file); err != nil {
		return err
	}
	if opts.Expect != "" && s.id != opts.Expect {
		return &dbfile.Error{
			Path:   s.Path,
			Err:    fmt.Errorf("%w than the one that was here before", archive.ErrOtherArchive),
			Remedy: "put the other one back; heapstash writes to this one when it is started anew",
		}
	}
	if err := s.upgrade(ctx); err != nil {
		return err
	}
	s.Compacted, err = Map[string, schema.Instant](ctx, s.DB, selectCompaction)
	return err
}

const selectCompaction = `SELECT table_name, ts FROM compaction`

// ID identifies the archive. A copy has the same ID.
func (s *Writer) ID() string { return s.id }

// Close releases the lock. What was written is safe even if Close is never called.
func (s *Writer) Close() error {
	var err error
	if s.DB != nil {
		err = WithRemedy(s.Path, s.DB.Close())
	}
	return errors.Join(err, s.lock.Release())
}

// Create makes an archive of which there is a whole one at path, or none. The
// caller holds the lock.
func Create(ctx context.Context, path string, mode fs.FileMode, steps []Step) (err error) {
	draft, err := dbfile.NewDraft(path+dbfile.NewSuffix, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, draft.Close()) }()
	if err := Fill(ctx, draft.Path, steps); err != nil {
		return err
	}
	return draft.Publish(path)
}

// Fill makes an archive of an empty file.
func Fill(ctx context.Context, file string, steps []Step) error {
	db, err := OpenDB(file, "rw", url.Values{
		"_txlock":      {"immediate"},
		"_synchronous": {"FULL"},
		"_auto_vacuum": {"incremental"}, // only a file without tables takes it
	})
	if err != nil {
		return err
	}
	return errors.Join(Migrate(ctx, db, file, steps), db.Close())
}

package archive

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	_ "heapstash/archive/sqlite/strict" // in every connection, double quotes are around names only
	"heapstash/schema"
)

// Options set how a [Store] is opened.
type Options struct {
	// LockWait is how long to wait for another writer to finish. Zero tries
	// once.
	LockWait time.Duration
	// Expect is the [Store.ID] of the archive that must be at the path: then
	// none is made, and another one is refused. Empty for whatever is there.
	Expect string
	// Migrating is told of the migration of an older archive: at its begin, at
	// its end, and every few seconds between, then from another goroutine. Nil
	// for nobody.
	Migrating func(Migration)
	// MinFree is how many bytes must be free on the archive's file system for
	// anything to be stored, moved or copied there. Zero asks for none.
	MinFree int64
	// Mode is that of files to be made: an archive, its lock, a snapshot. Zero
	// is 0600. An archive that exists keeps its own, and SQLite gives that to
	// its -wal and -shm files.
	Mode fs.FileMode
	// Retention is what [Store.Prune] and [Prune] leave.
	Retention Retention
	// MaxSize is how many bytes of the file may be in use: what is oldest goes
	// until they suffice, raw rows first. Zero for any number.
	MaxSize int64

	// For tests; [Open] fills them in.
	disk        disk
	steps       []migration
	reportEvery time.Duration
	waiting     func() // called before the lock is taken
}

func (o Options) filled() (Options, error) {
	if o.disk == nil {
		o.disk = diskOf
	}
	if o.reportEvery == 0 {
		o.reportEvery = reportEvery
	}
	if o.waiting == nil {
		o.waiting = func() {}
	}
	if o.steps != nil {
		return o, nil
	}
	var err error
	o.steps, err = migrations()
	return o, err
}

// defaultMode lets nobody else read an archive.
const defaultMode fs.FileMode = 0o600

func (o Options) mode() fs.FileMode { return cmp.Or(o.Mode, defaultMode) }

// Writer is an archive open for writing. It holds the archive's kernel lock
// from [OpenWriter] to [Writer.Close]: keep it for one operation, not for a
// process's life. Use it from one goroutine.
type Writer struct {
	path   string // as it was given
	file   string // where that leads
	opened fs.FileInfo
	system FileSystem
	lost   bool // see unmoved
	id     string
	opts   Options
	db     *sql.DB
	lock   *lock
	layout layout

	rollups   map[string]*rollup        // by table name
	compacted map[string]schema.Instant // by table name
}

// OpenWriter opens the archive for writing, creates it where there is none, and
// brings an older one to the newest version. The error wraps
// [schema.ErrNotArchive], [schema.ErrNewerArchive], [schema.ErrLocked], or, of
// an archive that is expected, [schema.ErrNoArchive] or
// [schema.ErrOtherArchive], where one of them is the reason; then nothing was
// changed on disk.
func OpenWriter(ctx context.Context, path string, opts Options) (*Writer, error) {
	opts, err := opts.filled()
	if err != nil {
		return nil, err
	}
	header, err := readHeader(path, len(opts.steps))
	if err != nil {
		return nil, err
	}
	if !header.exists && opts.Expect != "" {
		return nil, gone(path, "it was there before")
	}
	file, err := resolve(path)
	if err != nil {
		return nil, err
	}
	if err := checkLeftovers(path, file, len(opts.steps)); err != nil {
		return nil, err
	}
	opts.waiting()
	lock, err := takeLock(ctx, path, file, opts.LockWait, opts.mode(), opts.disk)
	if err != nil {
		return nil, err
	}
	s := &Writer{path: path, file: file, opts: opts, lock: lock, system: opts.disk.fileSystem(file)}
	s.layout = newLayout()
	s.rollups = s.layout.rollups()
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(explain(path, err), s.Close())
	}
	return s, nil
}

func (s *Writer) open(ctx context.Context) error {
	opts := s.opts
	// Whoever had the lock before may have made the archive, or a newer one.
	header, err := readHeader(s.path, len(opts.steps))
	if err != nil {
		return err
	}
	if !header.exists && opts.Expect != "" {
		return gone(s.path, "it was there before")
	}
	if err := confirmLeftovers(s.path, s.file, len(opts.steps)); err != nil {
		return err
	}
	if !header.exists {
		if err := create(ctx, s.file, opts.mode(), s.layout, opts.steps); err != nil {
			return err
		}
	}
	journal, err := s.keepJournal(ctx, header.writeAhead, len(opts.steps))
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
	if s.db, err = openDB(s.file, "rw", pragmas); err != nil {
		return err
	}
	if journal == journalWriteAhead {
		if err := keepLogFiles(ctx, s.db); err != nil {
			return err
		}
	}
	if s.id, err = setting(ctx, s.db, "archive_id"); err != nil {
		return err
	}
	// Not before it is open: opening it for writing gives a file of a
	// container's image another number.
	if s.opened, err = os.Stat(s.file); err != nil {
		return err
	}
	if opts.Expect != "" && s.id != opts.Expect {
		return &Error{
			Path: s.path,
			Err:  fmt.Errorf("%w than the one that was here before", schema.ErrOtherArchive),
			hint: "put the other one back; heapstash writes to this one when it is started anew",
		}
	}
	if err := s.upgrade(ctx); err != nil {
		return err
	}
	return s.loadCompacted(ctx)
}

const selectCompaction = `SELECT table_name, ts FROM compaction`

func (s *Writer) loadCompacted(ctx context.Context) error {
	s.compacted = make(map[string]schema.Instant)
	return each(ctx, s.db, func(rows *sql.Rows) error {
		var name string
		var ts schema.Instant
		err := rows.Scan(&name, &ts)
		s.compacted[name] = ts
		return err
	}, selectCompaction)
}

// ID is the archive's own, by which it is told from others. A copy has the
// same.
func (s *Writer) ID() string { return s.id }

// Close gives the lock back. What was written is safe whether or not Close is
// ever called.
func (s *Writer) Close() error {
	var err error
	if s.db != nil {
		err = explain(s.path, s.db.Close())
	}
	return errors.Join(err, s.lock.release())
}

// create makes a whole archive under another name and then gives it its own,
// so that a file at path is an archive at every moment. The caller holds the
// lock.
func create(ctx context.Context, path string, mode fs.FileMode, l layout, steps []migration) error {
	draft := path + ".new"
	for _, left := range []string{draft, draft + rollbackJournal} { // by a heapstash that died here
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
	if err != nil {
		return err
	}
	// Exactly that mode, whatever the umask.
	if err := errors.Join(file.Chmod(mode), file.Close()); err != nil {
		return err
	}
	db, err := openDB(draft, "rw", url.Values{
		"_txlock":      {"immediate"},
		"_synchronous": {"FULL"},
		"_auto_vacuum": {"incremental"}, // only a file without tables takes it
	})
	if err != nil {
		return err
	}
	if err := errors.Join(migrate(ctx, db, path, l, steps), db.Close()); err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes a rename in the directory survive a power cut.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// dataSource names a file, by its absolute path, to the driver.
func dataSource(file, mode string, pragmas url.Values) string {
	pragmas.Set("mode", mode)
	if !pragmas.Has("_busy_timeout") {
		pragmas.Set("_busy_timeout", busyWriteAhead)
	}
	source := url.URL{Scheme: "file", Path: file, RawQuery: pragmas.Encode()}
	return source.String()
}

// openDB opens the file with pragmas in the data source name, where they hold
// for every connection. There is one connection: a writer needs no more, and a
// reader sees one state.
func openDB(path, mode string, pragmas url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", dataSource(absolute, mode, pragmas))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

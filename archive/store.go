package archive

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"heapstash/schema"
)

// Options set how a [Store] is opened.
type Options struct {
	// LockWait is how long to wait for another writer to finish. Zero tries
	// once.
	LockWait time.Duration
}

// Store is an archive open for writing. It holds the archive's kernel lock
// from [Open] to [Store.Close]: keep it for one operation, not for a process's
// life. Use it from one goroutine.
type Store struct {
	path   string
	db     *sql.DB
	lock   *lock
	layout layout

	// What the file holds, as far as it was needed.
	entities  map[entityKey]int64
	metrics   map[schema.MetricName]int64
	compacted map[string]schema.Instant // by table name
}

// Open opens the archive for writing, creates it where there is none, and
// brings an older one to the newest version. The error wraps
// [schema.ErrNotArchive], [schema.ErrNewerArchive] or [schema.ErrLocked] where
// one of them is the reason; then nothing was changed on disk.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	exists, err := inspect(path)
	if err != nil {
		return nil, err
	}
	lock, err := takeLock(ctx, path, opts.LockWait)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, lock: lock, layout: newLayout()}
	if err := s.open(ctx, exists); err != nil {
		return nil, errors.Join(explain(path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, exists bool) error {
	if !exists {
		if err := create(ctx, s.path, s.layout); err != nil {
			return err
		}
	}
	db, err := openDB(s.path, "rw", url.Values{
		"_txlock":       {"immediate"}, // a read that turns into a write would fail at once otherwise
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
	})
	if err != nil {
		return err
	}
	s.db = db
	if err := migrate(ctx, s.db, s.path, s.layout); err != nil {
		return err
	}
	return s.load(ctx)
}

// Close gives the lock back. What was written is safe whether or not Close is
// ever called.
func (s *Store) Close() error {
	var err error
	if s.db != nil {
		err = explain(s.path, s.db.Close())
	}
	return errors.Join(err, s.lock.release())
}

// create makes a whole archive under another name and then gives it its own,
// so that a file at path is an archive at every moment. The caller holds the
// lock.
func create(ctx context.Context, path string, l layout) error {
	draft := path + ".new"
	for _, left := range []string{draft, draft + "-journal"} { // by a heapstash that died here
		if err := os.Remove(left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	file, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
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
	if err := errors.Join(migrate(ctx, db, path, l), db.Close()); err != nil {
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

// openDB opens the file with pragmas in the data source name, where they hold
// for every connection. There is one connection: a writer needs no more, and a
// reader sees one state.
func openDB(path, mode string, pragmas url.Values) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	pragmas.Set("mode", mode)
	pragmas.Set("_busy_timeout", "10000")
	source := url.URL{Scheme: "file", Path: absolute, RawQuery: pragmas.Encode()}
	db, err := sql.Open("sqlite3", source.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// inspect tells, without touching it, whether the file is an archive that this
// heapstash can open. No file, or an empty one, is no error and no archive.
func inspect(path string) (exists bool, err error) {
	notOurs := func(what string) error {
		return &Error{
			Path: path,
			Err:  fmt.Errorf("%w: %s", schema.ErrNotArchive, what),
			hint: "name another file with --db-file; this one was not touched",
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, explain(path, err)
	case info.IsDir():
		return false, notOurs("it is a directory")
	case !info.Mode().IsRegular():
		return false, notOurs("it is not a regular file")
	case info.Size() == 0:
		return false, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return false, explain(path, err)
	}
	defer file.Close() // read only
	// https://www.sqlite.org/fileformat.html, "The Database Header".
	var header [100]byte
	if _, err := io.ReadFull(file, header[:]); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, explain(path, err)
	}
	if string(header[:16]) != "SQLite format 3\x00" {
		return false, notOurs("it is not an SQLite file")
	}
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID {
		return false, notOurs(fmt.Sprintf("it is an SQLite file of another program (application_id %#x)", id))
	}
	scripts, err := migrations()
	if err != nil {
		return false, err
	}
	if version := int(binary.BigEndian.Uint32(header[60:])); version > len(scripts) {
		return false, newerArchive(path, version, len(scripts))
	}
	return true, nil
}

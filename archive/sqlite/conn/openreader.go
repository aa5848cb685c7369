package conn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/mattn/go-sqlite3"
	"golang.org/x/sys/unix"

	"heapstash/archive/sqlite/dbfile"
)

// OpenReaderOn opens an existing archive in the way that its file system and the
// user's permissions allow.
func OpenReaderOn(ctx context.Context, path string, d dbfile.Disk) (*Reader, error) {
	steps, err := Migrations()
	if err != nil {
		return nil, err
	}
	h, err := dbfile.ReadHeader(path, len(steps))
	if err != nil {
		return nil, err
	}
	file, err := dbfile.Resolve(path)
	if err != nil {
		if !h.Exists {
			return nil, dbfile.NoArchive(path)
		}
		return nil, err
	}
	if err := dbfile.CheckLeftovers(path, file, len(steps)); err != nil {
		return nil, err
	}
	if !h.Exists {
		return nil, dbfile.NoArchive(path)
	}
	pragmas := url.Values{"_query_only": {"1"}, "_busy_timeout": {busyRollback}}
	if h.WriteAhead {
		pragmas.Set("_busy_timeout", busyWriteAhead)
		if system := d.FileSystem(file); !system.WriteAhead() {
			return nil, &dbfile.Error{
				Path: path,
				Err:  fmt.Errorf("it has a write-ahead log, which does not work on a file system of the kind %s", system.Name),
				Remedy: "the next pass of heapstash there gives it a rollback journal; so does, while nobody uses it,\n" +
					`sqlite3 FILE "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE"`,
			}
		}
	}
	r, err := openChecked(ctx, path, file, len(steps), pragmas)
	if !isUnreadable(err) {
		return r, err
	}
	// If the -wal and -shm files are missing and cannot be created, SQLite reads
	// the file only if it is declared immutable.
	if h.WriteAhead && dbfile.IsEmpty(file+dbfile.WriteAheadLog) && dbfile.OnReadOnlyMedium(file) {
		pragmas.Set("immutable", "1")
		return openChecked(ctx, path, file, len(steps), pragmas)
	}
	return nil, &dbfile.Error{Path: path, Err: err, Remedy: unreadableHint(file, err)}
}

// mostConnections is how many statements of a reader run at the same time. Others
// wait.
const mostConnections = 4

// openChecked opens an archive of a known version.
func openChecked(ctx context.Context, path, file string, newest int, pragmas url.Values) (*Reader, error) {
	connector := newReaderConnector(file, pragmas)
	r := &Reader{path, sql.OpenDB(connector), connector}
	r.DB.SetMaxOpenConns(mostConnections)
	r.DB.SetMaxIdleConns(mostConnections) // opening one parses all views
	if _, err := FileVersion(ctx, r.DB, path, newest); err != nil {
		// The caller explains the error.
		return nil, errors.Join(err, r.DB.Close())
	}
	return r, nil
}

// isUnreadable reports whether SQLite could not open the files that it needs beside
// the archive.
func isUnreadable(err error) bool {
	lite, ok := errors.AsType[sqlite3.Error](err)
	return ok && (lite.Code == sqlite3.ErrCantOpen || lite.Code == sqlite3.ErrReadonly)
}

func unreadableHint(file string, err error) string {
	for _, beside := range []string{dbfile.WriteAheadLog, dbfile.WriteAheadLogIndex, dbfile.RollbackJournal} {
		if unix.Access(file+beside, unix.R_OK) == unix.EACCES {
			return shareHint
		}
	}
	if lite, _ := errors.AsType[sqlite3.Error](err); lite.ExtendedCode == sqlite3.ErrReadonlyRollback {
		return "a writer died in the middle of a transaction: the next pass undoes that half"
	}
	return "its -wal and -shm files must be there and readable, as passes leave them: a pass makes them anew;\n" +
		"`heapstash snapshot` makes a copy that needs neither"
}

// Inspect reports whether the file is an archive that this heapstash can open. It
// does not change the file. A missing or empty file is neither an archive nor an
// error.
func Inspect(path string) (exists bool, err error) {
	steps, err := Migrations()
	if err != nil {
		return false, err
	}
	h, err := dbfile.ReadHeader(path, len(steps))
	return h.Exists, err
}

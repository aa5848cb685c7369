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

// OpenReading opens an archive that exists, with whatever its file system and
// this user's permissions ask for.
func OpenReading(ctx context.Context, path string, d dbfile.Disk) (*Reader, error) {
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
	// Without its -wal and -shm files, and where none can be made, SQLite reads
	// a file only on the word that it cannot change.
	if h.WriteAhead && dbfile.IsEmpty(file+dbfile.WriteAheadLog) && dbfile.OnReadOnlyMedium(file) {
		pragmas.Set("immutable", "1")
		return openChecked(ctx, path, file, len(steps), pragmas)
	}
	return nil, &dbfile.Error{Path: path, Err: err, Remedy: unreadableHint(file, err)}
}

// mostConnections is how many statements of a reader run at the same time. Others
// wait.
const mostConnections = 4

// openChecked opens a database of a version that this heapstash knows.
func openChecked(ctx context.Context, path, file string, newest int, pragmas url.Values) (*Reader, error) {
	connector := newReadingConnector(dataSource(file, "ro", pragmas))
	r := &Reader{path, sql.OpenDB(connector), connector}
	r.Db.SetMaxOpenConns(mostConnections)
	r.Db.SetMaxIdleConns(mostConnections) // opening one parses all views
	if _, err := FileVersion(ctx, r.Db, path, newest); err != nil {
		// Named by the caller, who may know more.
		return nil, errors.Join(err, r.Db.Close())
	}
	return r, nil
}

// isUnreadable reports whether SQLite could not open what it needs beside the
// file for reading it.
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

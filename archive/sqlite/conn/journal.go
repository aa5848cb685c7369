package conn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive/sqlite/dbfile"
)

// How long a connection waits for others, in milliseconds.
const (
	busyWriteAhead = "10000"
	// With a rollback journal, a writer waits for every reader to finish, and new
	// readers wait for it. It is less than the time between two passes.
	busyRollback = "30000"
	// An archive that is in use can be converted by the next pass.
	busyConversion = "1000"
)

// Journal modes. Of the modes with a rollback journal, TRUNCATE is the durable one:
// with synchronous=FULL it syncs the end of a transaction, which DELETE leaves to
// the next sync of the directory. And on NFS, other clients need not know whether
// the journal exists, which they may take from a cache.
const (
	journalWriteAhead = "WAL"
	journalRollback   = "TRUNCATE"
)

// keepJournal gives the file the journal mode that is safe on its file system, and
// returns it. The caller holds the lock.
func (s *Writer) keepJournal(ctx context.Context, isWriteAhead bool, newest int) (string, error) {
	wanted := journalRollback
	if s.System.WriteAhead() {
		wanted = journalWriteAhead
	}
	if isWriteAhead == (wanted == journalWriteAhead) {
		return wanted, nil
	}
	pragmas := url.Values{"_busy_timeout": {busyConversion}}
	if wanted == journalWriteAhead {
		err := setJournal(ctx, s.Path, s.file, wanted, newest, pragmas)
		if IsBusy(err) { // a rollback journal is as right
			return journalRollback, nil
		}
		return wanted, err
	}
	// In exclusive mode, SQLite needs no shared memory for the log.
	// (https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory)
	pragmas.Set("_locking_mode", "EXCLUSIVE")
	err := setJournal(ctx, s.Path, s.file, wanted, newest, pragmas)
	if IsBusy(err) {
		return "", &dbfile.Error{
			Path:   s.Path,
			Err:    fmt.Errorf("it has a write-ahead log, which does not work on %s, and is in use: %w", s.System.Name, err),
			Remedy: "close the programs that read it; the next pass converts it",
		}
	}
	if err != nil {
		return "", err
	}
	// SQLite leaves the file for the shared memory behind.
	if err := os.Remove(s.file + dbfile.WriteAheadLogIndex); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	return wanted, nil
}

// setJournal changes the journal mode of the file, on a connection of its own.
func setJournal(ctx context.Context, path, file, mode string, newest int, pragmas url.Values) error {
	db, err := OpenDB(file, "rw", pragmas)
	if err != nil {
		return err
	}
	_, err = FileVersion(ctx, db, path, newest) // with that of its -wal
	if err == nil {
		// It takes no parameters; the mode is one of ours.
		err = db.QueryRowContext(ctx, "PRAGMA journal_mode = "+mode).Scan(new(string))
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("journal mode %s: %w", mode, err)
	}
	return nil
}

// IsBusy reports whether another connection holds a lock.
func IsBusy(err error) bool {
	lite, ok := errors.AsType[sqlite3.Error](err)
	return ok && (lite.Code == sqlite3.ErrBusy || lite.Code == sqlite3.ErrLocked)
}

// keepLogFiles makes SQLite keep the -wal and -shm files, the log empty, after the
// connection is closed. So a user who may not write in the directory can read the
// archive between passes. (https://www.sqlite.org/walformat.html, "Operations that
// require locks".)
func keepLogFiles(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	err = conn.Raw(func(driver any) error {
		return driver.(*sqlite3.SQLiteConn).SetFileControlInt("main", sqlite3.SQLITE_FCNTL_PERSIST_WAL, 1)
	})
	if err == nil {
		_, err = conn.ExecContext(ctx, "PRAGMA journal_size_limit = 0")
	}
	return errors.Join(err, conn.Close())
}

// Warning is for a user whose archive lies on a file system that is not a good
// choice. Otherwise it is empty.
func (s *Writer) Warning() string {
	if s.System.WriteAhead() {
		return ""
	}
	return fmt.Sprintf("the archive lies on a file system of the kind %s, where SQLite's write-ahead log is not safe: it has a rollback journal, "+
		"so passes and readers wait for one another, and it is as safe as that file system's locks; keep it on a local disk if you can", s.System.Name)
}

package conn

import (
	"errors"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive"
	"heapstash/archive/sqlite/dbfile"
)

// WithRemedy gives an error of SQLite or of the operating system the archive's path
// and a remedy. Nil stays nil, and a [*dbfile.Error] stays as it is.
func WithRemedy(path string, err error) error {
	if errors.Is(err, archive.ErrLake) {
		return err // not the archive's fault
	}
	var known *dbfile.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &dbfile.Error{Path: path, Err: err, Remedy: RemedyFor(err)}
}

// RemedyFor is what to do about an error of SQLite or of the operating system,
// empty for any other.
func RemedyFor(err error) string {
	if remedy := dbfile.RemedyFor(err); remedy != "" {
		return remedy
	}
	var lite sqlite3.Error
	errors.As(err, &lite)
	switch lite.SystemErrno {
	case syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EIO:
		return dbfile.RemedyFor(lite.SystemErrno)
	}
	switch lite.Code {
	case sqlite3.ErrFull:
		return dbfile.FreeSpaceRemedy
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return "it and its directory must be writable: SQLite's -wal, -shm and -journal files live there"
	case sqlite3.ErrIoErr:
		return dbfile.BrokenDiskRemedy
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "another program holds a transaction open on it; close it and try again"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return "the file is damaged: keep a copy of it and of its -wal file; `heapstash check` says what is wrong,\n" +
			"and `heapstash check --repair NEW` copies what can be read to another file"
	default:
		return ""
	}
}

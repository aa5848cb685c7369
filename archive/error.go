package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// Error is what went wrong with an archive, and what to do about it. It wraps
// one of the schema package's archive sentinels where one fits.
type Error struct {
	Path string // of the archive
	Err  error
	hint string
}

func (e *Error) Error() string { return fmt.Sprintf("archive %s: %v", e.Path, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do next; it may be empty.
func (e *Error) Hint() string { return e.hint }

// explain gives an error of SQLite or of the file system its path and a hint.
func explain(path string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Path: path, Err: err, hint: hintFor(err)}
}

func hintFor(err error) string {
	var lite sqlite3.Error
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "free some space on its file system; what was stored before is safe"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "its directory must be writable: the archive, its -wal, -shm and .lock files live there"
	case errors.Is(err, fs.ErrNotExist):
		return "create the directory first, or name another file with --db-file"
	case !errors.As(err, &lite):
		return ""
	}
	switch lite.Code {
	case sqlite3.ErrFull:
		return "free some space on its file system; what was stored before is safe"
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return "its directory must be writable, for readers too: SQLite's -wal and -shm files live there"
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "another program holds a transaction open on it; close it and try again"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return "the file is damaged: keep a copy of it and of its -wal file before anything else"
	default:
		return ""
	}
}

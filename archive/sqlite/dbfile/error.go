package dbfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// Error is what went wrong with an archive, and what to do about it. It wraps
// one of the schema package's archive sentinels where one fits.
type Error struct {
	Path   string // of the archive
	Err    error
	What   string // the file is; empty for an archive
	Advice string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %v", cmp.Or(e.What, "archive"), e.Path, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do next; it may be empty.
func (e *Error) Hint() string { return e.Advice }

// Explain gives an error of SQLite or of the file system its path and a hint.
func Explain(path string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Path: path, Err: err, Advice: HintFor(err)}
}

const (
	freeSpace  = "free some space on its file system; what was stored before is safe"
	raiseSize  = "its file system, a quota or a limit (ulimit -f) allows no more; raise that, or free some space; what was stored before is safe"
	brokenDisk = "its disk or file system reports an error: look at the kernel's log (dmesg); the next pass goes on from what was stored"
)

func HintFor(err error) string {
	var lite sqlite3.Error
	errors.As(err, &lite)
	is := func(errno syscall.Errno) bool { return errors.Is(err, errno) || lite.SystemErrno == errno }
	switch {
	case is(syscall.ENOSPC):
		return freeSpace
	case is(syscall.EDQUOT), is(syscall.EFBIG):
		return raiseSize
	case errors.Is(err, syscall.EROFS):
		return "its file system is mounted read-only: mount it writable; the kernel does that to one with faults, see dmesg"
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP):
		return "its file system has no locks (of NFS, see the mount options and rpc.statd): move the archive to one that has"
	case errors.Is(err, fs.ErrPermission):
		return "its directory must be writable: the archive, its -wal, -shm and .lock files live there"
	case errors.Is(err, fs.ErrNotExist):
		return "create the directory first, or name another file with --db-file"
	case is(syscall.EIO):
		return brokenDisk
	}
	switch lite.Code {
	case sqlite3.ErrFull:
		return freeSpace
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrPerm:
		return "it and its directory must be writable: SQLite's -wal, -shm and -journal files live there"
	case sqlite3.ErrIoErr:
		return brokenDisk
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return "another program holds a transaction open on it; close it and try again"
	case sqlite3.ErrCorrupt, sqlite3.ErrNotADB:
		return "the file is damaged: keep a copy of it and of its -wal file; `heapstash check` says what is wrong,\n" +
			"and `heapstash check --repair NEW` copies what can be read to another file"
	default:
		return ""
	}
}

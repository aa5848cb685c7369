package dbfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Error is what went wrong with an archive's file, or with another one that is
// made of it. It wraps one of the archive package's errors where one fits.
type Error struct {
	Path   string
	Err    error
	Role   string // the file's, such as "snapshot"; empty for an archive
	Remedy string // what to do next; it may be empty
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %v", cmp.Or(e.Role, "archive"), e.Path, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Hint returns the remedy.
func (e *Error) Hint() string { return e.Remedy }

// FileError gives an error of the operating system the archive's path and a
// remedy. Nil stays nil, and an [*Error] stays as it is.
func FileError(path string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Path: path, Err: err, Remedy: RemedyFor(err)}
}

// What to do about a full disk, a limit and a broken disk.
const (
	FreeSpaceRemedy  = "free some space on its file system; what was stored before is safe"
	limitRemedy      = "its file system, a quota or a limit (ulimit -f) allows no more; raise that, or free some space; what was stored before is safe"
	BrokenDiskRemedy = "its disk or file system reports an error: look at the kernel's log (dmesg); the next pass goes on from what was stored"
)

// RemedyFor is what to do about an error of the operating system. It is empty for
// any other error.
func RemedyFor(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return FreeSpaceRemedy
	case errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return limitRemedy
	case errors.Is(err, syscall.EIO):
		return BrokenDiskRemedy
	case errors.Is(err, syscall.EROFS):
		return "its file system is mounted read-only: mount it writable; the kernel does that to one with faults, see dmesg"
	case errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP):
		return "its file system has no locks (of NFS, see the mount options and rpc.statd): move the archive to one that has"
	case errors.Is(err, fs.ErrPermission):
		return "its directory must be writable: the archive, its -wal, -shm and .lock files live there"
	case errors.Is(err, fs.ErrNotExist):
		return "create the directory first, or name another file with --db-file"
	default:
		return ""
	}
}

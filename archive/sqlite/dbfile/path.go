package dbfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"heapstash/archive"
)

// RealFile is where a path leads, as far as that can be told.
func RealFile(path string) string {
	if file, err := Resolve(path); err == nil {
		return file
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// CheckWritable asks the kernel whether this process may write the files that
// are there, and make those that are not.
func CheckWritable(file string) error {
	directory := filepath.Dir(file)
	if err := unix.Access(directory, unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write", Path: directory, Err: err}
	}
	for _, path := range []string{file, file + WriteAheadLog, file + WriteAheadLogIndex, file + RollbackJournal, LockOf(file)} {
		err := unix.Access(path, unix.R_OK|unix.W_OK)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &fs.PathError{Op: "write", Path: path, Err: err}
		}
	}
	return nil
}

// How the names of the files beside an archive end: SQLite's, and the lock's.
const (
	WriteAheadLog      = "-wal"
	WriteAheadLogIndex = "-shm"
	RollbackJournal    = "-journal"
	LockSuffix         = ".lock"
)

// Resolve returns the file that a path leads to, absolute and after links, as
// SQLite names the files beside it: two paths to one file share its lock. The
// file need not be there, but its directory must. Two hard links to one file
// are two files, to SQLite as well.
func Resolve(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", FileError(path, err)
	}
	file, err := filepath.EvalSymlinks(absolute)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return file, FileError(path, err)
	}
	if target, err := os.Readlink(absolute); err == nil {
		return "", &Error{
			Path:   path,
			Err:    fmt.Errorf("%w: it is a link to %s, which is not there", archive.ErrNoArchive, target),
			Remedy: "mount what the file lies on; to make a new archive there, name it without the link",
		}
	}
	directory, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if err != nil {
		return "", FileError(path, err)
	}
	return filepath.Join(directory, filepath.Base(absolute)), nil
}

// Disk returns the file system of a directory, and the bytes on it that this
// user may still fill.
type Disk func(directory string) (FileSystem, int64, error)

// FileSystem is the one that a file lies on, nameless if it cannot be told.
func (d Disk) FileSystem(file string) FileSystem {
	system, _, err := d(filepath.Dir(file))
	if err != nil {
		return FileSystem{}
	}
	return system
}

// Gone is the error for an archive that was there before.
func Gone(path, how string) error {
	return &Error{
		Path:   path,
		Err:    fmt.Errorf("%w: %s", archive.ErrNoArchive, how),
		Remedy: "put it back, or mount what it lies on; heapstash makes a new one only when it is started anew",
	}
}

func NoArchive(path string) error {
	return &Error{
		Path:   path,
		Err:    fmt.Errorf("%w at this path", archive.ErrNoArchive),
		Remedy: "heapstash collect makes one; name another file with --db-file",
	}
}

// IsEmpty reports whether there is no such file, or nothing in it.
func IsEmpty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
}

// SizeOf returns the bytes of an archive and of its log or journal.
func SizeOf(path string) (int64, error) {
	var size int64
	file := RealFile(path)
	for _, path := range []string{file, file + WriteAheadLog, file + RollbackJournal} {
		info, err := os.Stat(path)
		switch {
		case err == nil:
			size += info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return 0, err
		}
	}
	return size, nil
}

// DefaultMode lets nobody else read an archive.
const DefaultMode fs.FileMode = 0o600

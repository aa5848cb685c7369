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

// RealFile is [Resolve] for paths that may lead nowhere: then it is the absolute
// path.
func RealFile(path string) string {
	if file, err := Resolve(path); err == nil {
		return file
	}
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// CheckWritable asks the kernel whether this process may write the archive and the
// files beside it, and create those that are missing.
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

// Suffixes of the files beside an archive: SQLite's, and the lock's.
const (
	WriteAheadLog      = "-wal"
	WriteAheadLogIndex = "-shm"
	RollbackJournal    = "-journal"
	LockSuffix         = ".lock"
)

// Resolve returns the file that a path leads to, absolute and after links, as
// SQLite names the files beside it: two paths to one file share its lock. The
// file need not exist, but its directory must. Two hard links to one file count
// as two files, as they do for SQLite.
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

// Disk returns the file system of a directory, and its free space for this user in
// bytes.
type Disk func(directory string) (FileSystem, int64, error)

// FileSystem returns the file system of a file, nameless if it is not known.
func (d Disk) FileSystem(file string) FileSystem {
	system, _, err := d(filepath.Dir(file))
	if err != nil {
		return FileSystem{}
	}
	return system
}

// LostArchive is the error for an archive that was there before.
func LostArchive(path, how string) error {
	return &Error{
		Path:   path,
		Err:    fmt.Errorf("%w: %s", archive.ErrNoArchive, how),
		Remedy: "put it back, or mount what it lies on; heapstash makes a new one only when it is started anew",
	}
}

// NoArchive is the error for a path without an archive.
func NoArchive(path string) error {
	return &Error{
		Path:   path,
		Err:    fmt.Errorf("%w at this path", archive.ErrNoArchive),
		Remedy: "heapstash collect makes one; name another file with --db-file",
	}
}

// IsEmpty reports whether the file is missing or empty.
func IsEmpty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0
}

// SizeOf returns the size of an archive and its log or journal, in bytes.
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

// DefaultMode lets only its owner read an archive.
const DefaultMode fs.FileMode = 0o600

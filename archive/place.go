package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"heapstash/schema"
)

// How the names of the files beside an archive end: SQLite's, and the lock's.
const (
	writeAheadLog      = "-wal"
	writeAheadLogIndex = "-shm"
	rollbackJournal    = "-journal"
	lockSuffix         = ".lock"
)

// resolve returns the file that a path leads to, absolute and after links, as
// SQLite names the files beside it: two paths to one file share its lock. The
// file need not be there, but its directory must. Two hard links to one file
// are two files, to SQLite as well.
func resolve(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", explain(path, err)
	}
	file, err := filepath.EvalSymlinks(absolute)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return file, explain(path, err)
	}
	if target, err := os.Readlink(absolute); err == nil {
		return "", &Error{
			Path: path,
			Err:  fmt.Errorf("%w: it is a link to %s, which is not there", schema.ErrNoArchive, target),
			hint: "mount what the file lies on; to make a new archive there, name it without the link",
		}
	}
	directory, err := filepath.EvalSymlinks(filepath.Dir(absolute))
	if err != nil {
		return "", explain(path, err)
	}
	return filepath.Join(directory, filepath.Base(absolute)), nil
}

// disk returns the file system of a directory, and the bytes on it that this
// user may still fill.
type disk func(directory string) (FileSystem, int64, error)

// fileSystem is the one that a file lies on, nameless if it cannot be told.
func (d disk) fileSystem(file string) FileSystem {
	system, _, err := d(filepath.Dir(file))
	if err != nil {
		return FileSystem{}
	}
	return system
}

// unmoved returns an error when the file that is open is no longer the one at
// the archive's path: what is written to it then is lost to everybody; or when
// its lock is no longer this store's. It says so once, for whatever is done next
// fails of the same.
func (s *Writer) unmoved() error {
	if s.lost {
		return nil
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.lost = true
		return gone(s.path, "it was removed while this heapstash wrote to it, and what it wrote is lost")
	// Elsewhere, a file may change its number while it is open.
	case err == nil && s.system.WriteAhead() && !os.SameFile(info, s.opened):
		s.lost = true
		return &Error{
			Path: s.path,
			Err:  fmt.Errorf("%w: it took the place of the one that this heapstash wrote to, and what that wrote is lost", schema.ErrOtherArchive),
			hint: "replace an archive while no heapstash writes to it",
		}
	}
	if err := s.locked(); err != nil {
		s.lost = true
		return err
	}
	return nil
}

// gone is the error for an archive that was there before.
func gone(path, how string) error {
	return &Error{
		Path: path,
		Err:  fmt.Errorf("%w: %s", schema.ErrNoArchive, how),
		hint: "put it back, or mount what it lies on; heapstash makes a new one only when it is started anew",
	}
}

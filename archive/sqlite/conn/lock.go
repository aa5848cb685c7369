package conn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"heapstash/archive"
	"heapstash/archive/sqlite/dbfile"
)

// CheckLock returns an error if this writer has lost the lock: then another
// heapstash may write, and what this one knows about the archive may be wrong. If
// the archive itself is missing, [Writer.CheckPath] says so.
func (s *Writer) CheckLock() error {
	if _, err := os.Stat(s.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	held, err := s.lock.Held()
	if held || err != nil {
		return WithRemedy(s.Path, err)
	}
	return &dbfile.Error{
		Path:   s.Path,
		Err:    fmt.Errorf("its lock, %s, was removed while this heapstash held it: another one may be writing", s.lock.Path),
		Remedy: "what was stored is safe, and the next pass makes another lock; remove it only when no heapstash runs",
	}
}

// CheckPath returns an error if the open file is no longer the one at the archive's
// path, so that what is written to it is lost, or if the writer has lost the lock.
// It returns the error once, because all that follows fails for the same reason.
func (s *Writer) CheckPath() error {
	if s.lost {
		return nil
	}
	info, err := os.Stat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.lost = true
		return dbfile.LostArchive(s.Path, "it was removed while this heapstash wrote to it, and what it wrote is lost")
	// On other file systems, a file may change its inode number while it is open.
	case err == nil && s.System.WriteAhead() && !os.SameFile(info, s.opened):
		s.lost = true
		return &dbfile.Error{
			Path:   s.Path,
			Err:    fmt.Errorf("%w: it took the place of the one that this heapstash wrote to, and what that wrote is lost", archive.ErrOtherArchive),
			Remedy: "replace an archive while no heapstash writes to it",
		}
	}
	if err := s.CheckLock(); err != nil {
		s.lost = true
		return err
	}
	return nil
}

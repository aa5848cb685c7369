package conn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"heapstash/archive"
	"heapstash/archive/sqlite/dbfile"
)

// CheckLock returns an error when the archive's lock is not this store's any
// more: then another heapstash may write, and what this one knows of the
// archive be wrong. (Where the archive is gone itself, unmoved says so.)
func (s *Writer) CheckLock() error {
	if _, err := os.Stat(s.Path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	held, err := s.lock.Held()
	if held || err != nil {
		return Explain(s.Path, err)
	}
	return &dbfile.Error{
		Path:   s.Path,
		Err:    fmt.Errorf("its lock, %s, was removed while this heapstash held it: another one may be writing", s.lock.Path),
		Remedy: "what was stored is safe, and the next pass makes another lock; remove it only when no heapstash runs",
	}
}

// CheckPath returns an error when the file that is open is no longer the one at
// the archive's path: what is written to it then is lost to everybody; or when
// its lock is no longer this store's. It says so once, for whatever is done next
// fails of the same.
func (s *Writer) CheckPath() error {
	if s.lost {
		return nil
	}
	info, err := os.Stat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.lost = true
		return dbfile.Gone(s.Path, "it was removed while this heapstash wrote to it, and what it wrote is lost")
	// Elsewhere, a file may change its number while it is open.
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

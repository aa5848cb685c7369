package dbfile

import (
	"errors"
	"fmt"
	"os"

	"heapstash/archive"
	"heapstash/archive/sqlite/pages"
)

// CheckLeftovers refuses an archive that lies beside the log or the journal of
// another one. A killed writer leaves such a file. SQLite looks only at its name,
// and would write its pages into the file that replaced its own. The error wraps
// [archive.ErrNoArchive] if there is no archive. Nothing is changed on disk. Path
// is the archive's path for messages, and file the file that it leads to.
//
// A writer may be at work meanwhile; its own log or journal is not a fault.
func CheckLeftovers(path, file string, newest int) error {
	suffix, err := leftover(file, newest)
	if err != nil {
		return FileError(path, err)
	}
	if suffix == "" || IsLocked(LockOf(file)) {
		return nil
	}
	return ConfirmLeftovers(path, file, newest)
}

// ConfirmLeftovers is [CheckLeftovers] for the holder of the lock.
func ConfirmLeftovers(path, file string, newest int) error {
	suffix, err := leftover(file, newest)
	if err != nil || suffix == "" {
		return FileError(path, err)
	}
	left := file + suffix
	away := fmt.Sprintf("mv %s %s.old", left, left)
	if IsEmpty(file) {
		return &Error{
			Path:   path,
			Err:    fmt.Errorf("%w at this path, and beside it lies %s of one that was there", archive.ErrNoArchive, left),
			Remedy: "put back the archive that it belongs to, for it may hold the last passes; or, for another one in its place, first\n" + away,
		}
	}
	return &Error{
		Path: path,
		Err:  fmt.Errorf("beside it lies %s, which is not of this file: SQLite would mix the two", left),
		Remedy: "if this file was put in the place of another one, that was that one's:\n" + away +
			"\nif it belongs to a file that was moved, put it beside that; nothing was touched",
	}
}

// leftover returns the suffix of a file beside the archive that cannot belong to
// it, or an empty one.
func leftover(file string, newest int) (suffix string, err error) {
	// The log first: in the other order, a pass that begins could create both
	// between the two tests.
	log, journal := !IsEmpty(file+WriteAheadLog), isHot(file+RollbackJournal)
	if !log && !journal {
		return "", nil
	}
	h, err := ReadHeader(file, newest)
	if err != nil {
		return "", err
	}
	if log {
		// SQLite marks the file before it creates the log, and removes the log
		// before it removes the mark.
		if !h.Exists || !h.WriteAhead {
			return WriteAheadLog, nil
		}
		if belongs, err := pages.LogBelongs(file); err != nil || !belongs {
			return WriteAheadLog, err
		}
	}
	if journal {
		if !h.Exists {
			return RollbackJournal, nil
		}
		if belongs, err := pages.JournalBelongs(file); err != nil || !belongs {
			return RollbackJournal, err
		}
	}
	return "", nil
}

// isHot reports whether there is a journal whose transaction SQLite would undo. A
// journal that cannot be read counts as hot.
func isHot(path string) bool {
	if IsEmpty(path) {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer file.Close() // read only
	var first [1]byte
	n, err := file.Read(first[:])
	return err != nil || n == 0 || first[0] != 0
}

package dbfile

import (
	"errors"
	"fmt"
	"os"

	"heapstash/archive"
	"heapstash/archive/sqlite/pages"
)

// CheckLeftovers refuses an archive beside which lies the log or the journal of
// another one, as a writer that was killed leaves them: SQLite asks a log for
// nothing but its name, and would put its pages into whatever file has taken
// the place of its own, or take that back to what another one was. The error
// wraps [archive.ErrNoArchive] where there is no file at all. Nothing was
// changed on disk. Path is the archive's for people, file where that leads.
//
// A writer may be at work meanwhile: what it is found doing is no fault.
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

// ConfirmLeftovers is checkLeftovers for whoever holds the lock.
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

// leftover returns how the name of a file beside the archive ends that cannot
// be the archive's own; empty if there is none.
func leftover(file string, newest int) (suffix string, err error) {
	// The other way round, a pass that begins could make one after the other
	// between two looks.
	log, journal := !IsEmpty(file+WriteAheadLog), isHot(file+RollbackJournal)
	if !log && !journal {
		return "", nil
	}
	h, err := ReadHeader(file, newest)
	if err != nil {
		return "", err
	}
	if log {
		// A file gets its log after it is marked as having one, and is marked
		// as having none after its log is gone.
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

// isHot reports whether there is a journal whose transaction SQLite would take
// back. One that cannot be read counts as hot.
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

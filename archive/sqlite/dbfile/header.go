package dbfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"heapstash/archive"
	"heapstash/archive/sqlite/pages"
)

// header is what the first bytes of a file say. The log or the journal may hold
// another version: after opening the file, ask SQLite again.
type header struct {
	Exists     bool // no file, or an empty one, is no archive
	WriteAhead bool // and has no rollback journal
}

// ReadHeader returns an error for a file that is not an archive, or is of a format
// beyond newest. A missing or empty file is neither an archive nor an error.
func ReadHeader(path string, newest int) (header, error) {
	notOurs := func(what string) (header, error) {
		return header{}, &Error{
			Path:   path,
			Err:    fmt.Errorf("%w: %s", archive.ErrNotArchive, what),
			Remedy: "name another file with --db-file; this one was not touched",
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return header{}, nil
	case err != nil:
		return header{}, FileError(path, err)
	case info.IsDir():
		return notOurs("it is a directory")
	case !info.Mode().IsRegular():
		return notOurs("it is not a regular file")
	case info.Size() == 0:
		return header{}, nil
	}
	file, err := pages.OpenDescriptor(path)
	if err != nil {
		return header{}, FileError(path, err)
	}
	defer file.Close() // read only
	// https://www.sqlite.org/fileformat.html, "The Database Header".
	var first [100]byte
	if _, err := file.ReadAt(first[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return header{}, FileError(path, err)
	}
	if string(first[:16]) != "SQLite format 3\x00" {
		return notOurs("it is not an SQLite file")
	}
	if id := binary.BigEndian.Uint32(first[68:]); id != ApplicationID {
		return notOurs(fmt.Sprintf("it is an SQLite file of another program (application_id %#x)", id))
	}
	// A migration that died in its commit may have written its version, which
	// the journal undoes.
	version := int(binary.BigEndian.Uint32(first[60:]))
	if version > newest && IsEmpty(RealFile(path)+RollbackJournal) {
		return header{}, NewerArchive(path, version, newest)
	}
	return header{Exists: true, WriteAhead: first[18] == 2}, nil
}

// ApplicationID marks our files in SQLite's header ("HPST").
const ApplicationID = 0x48505354

// NewerArchive is the error for an archive of a format beyond the known ones.
func NewerArchive(path string, version, known int) error {
	return &Error{
		Path:   path,
		Err:    fmt.Errorf("%w: it has version %d, this one knows up to %d", archive.ErrNewerArchive, version, known),
		Remedy: "use the heapstash that wrote it, or a later one; nothing was changed",
	}
}

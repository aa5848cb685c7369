package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"heapstash/schema"
)

// header is what the first bytes of a file tell of it. The file's version may
// be another, by its log or journal: what is open asks SQLite again.
type header struct {
	exists     bool // no file, or an empty one, is no archive
	writeAhead bool // and has no rollback journal
}

// inspect tells, without touching it, whether the file is an archive that this
// heapstash can open. No file, or an empty one, is no error and no archive.
func inspect(path string) (exists bool, err error) {
	steps, err := migrations()
	if err != nil {
		return false, err
	}
	h, err := readHeader(path, len(steps))
	return h.exists, err
}

// readHeader is inspect for whoever knows the versions up to newest.
func readHeader(path string, newest int) (header, error) {
	notOurs := func(what string) (header, error) {
		return header{}, &Error{
			Path: path,
			Err:  fmt.Errorf("%w: %s", schema.ErrNotArchive, what),
			hint: "name another file with --db-file; this one was not touched",
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return header{}, nil
	case err != nil:
		return header{}, explain(path, err)
	case info.IsDir():
		return notOurs("it is a directory")
	case !info.Mode().IsRegular():
		return notOurs("it is not a regular file")
	case info.Size() == 0:
		return header{}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return header{}, explain(path, err)
	}
	defer file.Close() // read only
	// https://www.sqlite.org/fileformat.html, "The Database Header".
	var first [100]byte
	if _, err := io.ReadFull(file, first[:]); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return header{}, explain(path, err)
	}
	if string(first[:16]) != "SQLite format 3\x00" {
		return notOurs("it is not an SQLite file")
	}
	if id := binary.BigEndian.Uint32(first[68:]); id != applicationID {
		return notOurs(fmt.Sprintf("it is an SQLite file of another program (application_id %#x)", id))
	}
	// A migration that died in its commit may have written its version, which
	// the journal undoes.
	version := int(binary.BigEndian.Uint32(first[60:]))
	if version > newest && isEmpty(realFile(path)+rollbackJournal) {
		return header{}, newerArchive(path, version, newest)
	}
	return header{exists: true, writeAhead: first[18] == 2}, nil
}

// Package pages reads the tables of an SQLite file without SQLite. Where SQLite
// stops, it goes on: it skips a damaged page or row, and counts it. It also tells
// whether a log or a journal belongs to a file. It never writes, and knows nothing
// about the tables' meaning. (https://www.sqlite.org/fileformat.html)
package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrHotJournal is the error for a file whose last transaction was not finished.
// SQLite undoes it when it opens the file for writing.
var ErrHotJournal = errors.New("a transaction on it was not finished, and is still to be taken back")

// File is an SQLite file with its write-ahead log, up to the last complete
// transaction in the log. No process may write the file meanwhile. Use it from one
// goroutine.
type File struct {
	main   *Descriptor
	log    *os.File         // nil without one
	frames map[uint32]int64 // where in log the newest content of a page is

	pageSize int
	usable   int    // of a page's bytes
	pages    uint32 // that the file has
}

// headerSize is the size of the file's header, at the beginning of page 1.
const headerSize = 100

// Open opens the file. The error wraps [ErrHotJournal] where that is the
// reason.
func Open(path string) (*File, error) {
	hot, err := hasHotJournal(path + "-journal")
	if err != nil {
		return nil, err
	}
	if hot {
		return nil, ErrHotJournal
	}
	main, err := OpenDescriptor(path)
	if err != nil {
		return nil, err
	}
	f := &File{main: main, frames: make(map[uint32]int64)}
	if err := f.open(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// journalMagic is the beginning of a journal that must be undone.
const journalMagic = 0xd9d505f920a163d7

// hasHotJournal looks at the magic number, which SQLite overwrites after the
// transaction if it keeps the journal.
func hasHotJournal(path string) (bool, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close() // read only
	var magic [8]byte
	if _, err := io.ReadFull(file, magic[:]); err != nil {
		return false, nil // too short for one
	}
	return binary.BigEndian.Uint64(magic[:]) == journalMagic, nil
}

func (f *File) open(path string) error {
	var header [headerSize]byte
	if _, err := f.main.ReadAt(header[:], 0); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	f.pageSize = pageSizeIn(header[:])
	f.usable = f.pageSize - int(header[20])
	if f.pageSize < 512 || f.pageSize&(f.pageSize-1) != 0 || f.usable < 480 {
		return fmt.Errorf("header: %d is no page size", f.pageSize)
	}
	info, err := f.main.Stat()
	if err != nil {
		return err
	}
	f.pages = uint32(min((info.Size()+int64(f.pageSize)-1)/int64(f.pageSize), 1<<32-2))
	return f.openLog(path + "-wal")
}

func pageSizeIn(header []byte) int {
	const largest = 65536
	if size := int(binary.BigEndian.Uint16(header[16:])); size != 1 {
		return size
	}
	return largest
}

// Close closes the files.
func (f *File) Close() error {
	err := f.main.Close()
	if f.log != nil {
		err = errors.Join(err, f.log.Close())
	}
	return err
}

// PageSize is the size of the file's pages, in bytes.
func (f *File) PageSize() int64 { return int64(f.pageSize) }

// Version is the file's user_version.
func (f *File) Version() (int, error) {
	page, ok := f.page(1)
	if !ok {
		return 0, errors.New("its first page cannot be read")
	}
	return int(binary.BigEndian.Uint32(page[60:])), nil
}

// page returns the content of a page, counted from 1. A page that cannot be read
// counts as damaged. If the file ends within a page, the rest is zeros, as SQLite
// reads it.
func (f *File) page(n uint32) ([]byte, bool) {
	file, at := f.main.File, int64(n-1)*int64(f.pageSize)
	if frame, ok := f.frames[n]; ok {
		file, at = f.log, frame
	} else if n == 0 || n > f.pages {
		return nil, false
	}
	page := make([]byte, f.pageSize)
	read, err := file.ReadAt(page, at)
	return page, err == nil || errors.Is(err, io.EOF) && read > 0
}

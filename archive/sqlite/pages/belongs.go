package pages

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// counterAt is where page 1 has the file's change counter. Each transaction that
// writes page 1 adds one to it. So the counter tells which state of a file a log or
// a journal continues.
const counterAt = 24

func counterIn(page []byte) uint32 { return binary.BigEndian.Uint32(page[counterAt:]) }

// LogBelongs reports whether the write-ahead log beside the file can belong to the
// file in its present state. SQLite does not ask: a log's checksums and salts
// cover only the log, so SQLite replays it into any file of that name. A log
// without page 1 may belong to any file, and the states directly before and after
// the file's own cannot be told from it. The result is true if one of the two
// files is missing or may not be read.
//
// The file has the counter from when the log began, which is equal to that of the
// first page 1 in the log, or one less; or, after a checkpoint has copied page 1,
// the counter of a later page 1 there.
func LogBelongs(path string) (bool, error) {
	return beside(path, "-wal", func(header []byte, log *os.File) (bool, error) {
		has, size := counterIn(header), pageSizeIn(header)
		first, last, transaction := int64(-1), int64(-1), int64(-1)
		later := false
		of := readLog(log, size, func(f frame) bool {
			if f.page == 1 {
				transaction = int64(counterIn(f.content))
			}
			if f.pages == 0 || transaction < 0 {
				return true
			}
			if first < 0 {
				first = transaction
			}
			last, transaction = transaction, -1
			later = last >= int64(has)
			return !later && first <= int64(has)+1
		})
		switch {
		case of == 0:
			return true, nil
		case of != size:
			return false, nil
		}
		return first < 0 || first <= int64(has)+1 && later, nil
	})
}

// JournalBelongs reports whether the rollback journal beside the file can belong to
// the file in its present state. The journal has page 1 as it was before the
// transaction, and the file has it as before or as after; without page 1 in the
// journal, the file has as many pages as before. If neither can be tested, the
// result is true.
func JournalBelongs(path string) (bool, error) {
	return beside(path, "-journal", func(header []byte, journal *os.File) (bool, error) {
		var segment [28]byte
		if _, err := journal.ReadAt(segment[:], 0); err != nil || binary.BigEndian.Uint64(segment[:]) != journalMagic {
			return true, nil // not hot
		}
		pages := binary.BigEndian.Uint32(segment[16:])
		sector, size := int64(binary.BigEndian.Uint32(segment[20:])), int64(binary.BigEndian.Uint32(segment[24:]))
		if size != int64(pageSizeIn(header)) || sector < 32 || sector > 1<<16 {
			return false, nil
		}
		// A segment for each time that the journal was synced.
		record := make([]byte, 4+size+4)
		for at := int64(0); ; at = (at + sector - 1) / sector * sector {
			if _, err := journal.ReadAt(segment[:], at); err != nil || binary.BigEndian.Uint64(segment[:]) != journalMagic {
				break
			}
			records := binary.BigEndian.Uint32(segment[8:])
			if at += sector; records == 0 {
				break
			}
			for range records {
				if _, err := journal.ReadAt(record, at); err != nil {
					return true, nil
				}
				if binary.BigEndian.Uint32(record) == 1 {
					has, before := counterIn(header), counterIn(record[4:])
					return has == before || has == before+1, nil
				}
				at += int64(len(record))
			}
		}
		const pagesAt, validForAt = 28, 92
		known := binary.BigEndian.Uint32(header[validForAt:]) == counterIn(header)
		return !known || binary.BigEndian.Uint32(header[pagesAt:]) == pages, nil
	})
}

// beside opens the file and the one beside it, and calls judge with the file's
// header.
func beside(path, suffix string, judge func(header []byte, other *os.File) (bool, error)) (bool, error) {
	unreadable := func(err error) (bool, error) {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return true, nil
		}
		return false, err
	}
	file, err := OpenDescriptor(path)
	if err != nil {
		return unreadable(err)
	}
	defer file.Close() // read only
	other, err := os.Open(path + suffix)
	if err != nil {
		return unreadable(err)
	}
	defer other.Close() // read only
	header := make([]byte, headerSize)
	if _, err := file.ReadAt(header, 0); errors.Is(err, io.EOF) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	return judge(header, other)
}

package salvage

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
)

const (
	logHeaderSize   = 32
	frameHeaderSize = 24
)

// openLog finds the newest content of the pages in the write-ahead log: that of
// the frames up to the last commit before which every checksum is right.
func (f *File) openLog(path string) error {
	log, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.log = log
	in := bufio.NewReaderSize(log, 1<<16)
	var header [logHeaderSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil // an empty log
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(header[:]) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return nil
	}
	sum := checksum{order: order}
	sum.add(header[:24])
	if !sum.is(header[24:]) || int(binary.BigEndian.Uint32(header[8:])) != f.pageSize {
		return nil
	}
	uncommitted := make(map[uint32]int64)
	frame := make([]byte, frameHeaderSize+f.pageSize)
	for at := int64(logHeaderSize); ; at += int64(len(frame)) {
		if _, err := io.ReadFull(in, frame); err != nil {
			return nil // the end, or a frame that was not finished
		}
		sum.add(frame[:8])
		sum.add(frame[frameHeaderSize:])
		if string(frame[8:16]) != string(header[16:24]) || !sum.is(frame[16:]) {
			return nil // left over from before the log began anew
		}
		uncommitted[binary.BigEndian.Uint32(frame)] = at + frameHeaderSize
		if pages := binary.BigEndian.Uint32(frame[4:]); pages > 0 {
			maps.Copy(f.frames, uncommitted)
			clear(uncommitted)
			f.pages = pages
		}
	}
}

// checksum is the running one of a write-ahead log.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.s0 += c.order.Uint32(data) + c.s1
		c.s1 += c.order.Uint32(data[4:]) + c.s0
	}
}

func (c *checksum) is(stated []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stated) && c.s1 == binary.BigEndian.Uint32(stated[4:])
}

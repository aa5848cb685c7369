package pages

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

// openLog finds the newest content of each page in the write-ahead log, up to the
// last commit with correct checksums.
func (f *File) openLog(path string) error {
	log, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.log = log
	uncommitted := make(map[uint32]int64)
	readLog(log, f.pageSize, func(fr frame) bool {
		uncommitted[fr.page] = fr.at
		if fr.pages > 0 {
			maps.Copy(f.frames, uncommitted)
			clear(uncommitted)
			f.pages = fr.pages
		}
		return true
	})
	return nil
}

// frame is a page in a write-ahead log.
type frame struct {
	page    uint32
	pages   uint32 // of the file after the transaction that this frame ends, 0 within one
	at      int64  // of the content in the log
	content []byte // until the next frame is read
}

// readLog calls visit for each frame of a log, until visit returns false, or a frame
// is incomplete or older than the log's header. It returns the log's page size, 0
// if the file is not a log. If the page size is another one, no frame is read.
func readLog(log io.Reader, pageSize int, visit func(frame) bool) (size int) {
	in := bufio.NewReaderSize(log, 1<<16)
	var header [logHeaderSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return 0 // an empty log
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch binary.BigEndian.Uint32(header[:]) {
	case 0x377f0682:
	case 0x377f0683:
		order = binary.BigEndian
	default:
		return 0
	}
	sum := checksum{order: order}
	sum.add(header[:24])
	if !sum.is(header[24:]) {
		return 0
	}
	if size = int(binary.BigEndian.Uint32(header[8:])); size != pageSize {
		return size
	}
	buffer := make([]byte, frameHeaderSize+pageSize)
	for at := int64(logHeaderSize); ; at += int64(len(buffer)) {
		if _, err := io.ReadFull(in, buffer); err != nil {
			return size // the end, or a frame that was not finished
		}
		sum.add(buffer[:8])
		sum.add(buffer[frameHeaderSize:])
		if string(buffer[8:16]) != string(header[16:24]) || !sum.is(buffer[16:]) {
			return size
		}
		fr := frame{
			page:    binary.BigEndian.Uint32(buffer),
			pages:   binary.BigEndian.Uint32(buffer[4:]),
			at:      at + frameHeaderSize,
			content: buffer[frameHeaderSize:],
		}
		if !visit(fr) {
			return size
		}
	}
}

// checksum is the cumulative checksum of a write-ahead log.
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

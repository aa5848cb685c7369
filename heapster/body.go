package heapster

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"heapstash/heapster/wire"
)

// body reads one answer: it counts the bytes as they come, unzips them, and stops at
// a limit. It is used again and again, because its buffers are larger than most
// answers.
type body struct {
	wire *bufio.Reader // before unzipping
	zip  gzip.Reader
	text *bufio.Reader // after unzipping
}

func newBody() *body {
	return &body{
		wire: bufio.NewReaderSize(nil, 4<<10),
		text: bufio.NewReaderSize(nil, 16<<10),
	}
}

// reset makes b read the body of resp. Both the received and the unzipped bytes are
// limited by a [schema.LimitError]: an endless zip of nothing has no unzipped
// bytes. After an error the text is empty.
func (b *body) reset(resp *http.Response, length wire.Length, count *atomic.Int64) error {
	b.text.Reset(strings.NewReader(""))
	var plain io.Reader = length.Reader(&counter{resp.Body, count})
	switch encoding := contentEncoding(resp.Header); encoding {
	case "":
	case "gzip":
		b.wire.Reset(plain)
		if !isGzip(b.wire) && resp.StatusCode != http.StatusOK {
			plain = b.wire // an error text that a proxy put into a zipped answer
			break
		}
		if err := b.zip.Reset(b.wire); err != nil {
			return err
		}
		plain = length.Reader(&b.zip)
	default:
		return &wire.FormatError{Message: fmt.Sprintf("an answer in the encoding %q", encoding)}
	}
	b.text.Reset(plain)
	return nil
}

// contentEncoding returns the body's encoding, "" for none. Upper and lower case are
// the same, and x-gzip is gzip (RFC 9110, section 8.4.1).
func contentEncoding(header http.Header) string {
	var encodings []string
	for name := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "", "identity":
		case "x-gzip":
			encodings = append(encodings, "gzip")
		default:
			encodings = append(encodings, name)
		}
	}
	return strings.Join(encodings, ", ")
}

// isGzip reports whether the next bytes begin a gzip. They stay in the reader.
func isGzip(r *bufio.Reader) bool {
	start, _ := r.Peek(2)
	return bytes.Equal(start, []byte{0x1f, 0x8b})
}

// isHTML reports whether the body is a web page, by the header and the text's
// beginning.
func (b *body) isHTML(header http.Header) bool {
	if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		return true
	}
	start := bytes.TrimPrefix(b.start(), []byte("\ufeff"))
	return bytes.HasPrefix(bytes.TrimSpace(start), []byte("<"))
}

// start returns the text's beginning, as much as the buffer holds. It stays in the
// reader, and so do errors.
func (b *body) start() []byte {
	start, _ := b.text.Peek(b.text.Size())
	return start
}

// counter adds the number of bytes read to a sum.
type counter struct {
	io.Reader
	sum *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.sum.Add(int64(n))
	return n, err
}

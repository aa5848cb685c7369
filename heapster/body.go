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

// body reads one answer at a time: counted as it comes over the wire,
// unzipped, and cut off at a limit. It is made to be used again, since its
// buffers outweigh most answers.
type body struct {
	wire *bufio.Reader // what the unzipper reads
	zip  gzip.Reader
	text *bufio.Reader // what the decoder reads
}

func newBody() *body {
	return &body{
		wire: bufio.NewReaderSize(nil, 4<<10),
		text: bufio.NewReaderSize(nil, 16<<10),
	}
}

// reset makes b read the body of resp. Reading more than the limit gives a
// [schema.LimitError], be that much received or unzipped: an endless zip of
// nothing would not unzip to anything. After an error the text is empty.
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

// contentEncoding returns how the body is encoded: "" for not at all. Names
// of encodings have no case, and x-gzip is gzip (RFC 9110, section 8.4.1).
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

// isGzip reports whether a gzip begins there. It takes nothing.
func isGzip(r *bufio.Reader) bool {
	start, _ := r.Peek(2)
	return bytes.Equal(start, []byte{0x1f, 0x8b})
}

// isHTML reports whether a web page comes, from the header and the text's
// beginning.
func (b *body) isHTML(header http.Header) bool {
	if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		return true
	}
	start := bytes.TrimPrefix(b.start(), []byte("\ufeff"))
	return bytes.HasPrefix(bytes.TrimSpace(start), []byte("<"))
}

// start returns the text's beginning, as far as it fits into the buffer,
// without taking it. Errors of the stream come again when the text is read.
func (b *body) start() []byte {
	start, _ := b.text.Peek(b.text.Size())
	return start
}

// counter adds what is read to a sum.
type counter struct {
	io.Reader
	sum *atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.sum.Add(int64(n))
	return n, err
}

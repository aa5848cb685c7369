package heapster

import (
	"fmt"
	"io"
)

// scanner reads one JSON text from a stream, value by value, in the memory of
// one buffer, which no single string or number may exceed. Decoding is the
// largest part of what a pass computes, and encoding/json takes several times
// as long; BenchmarkDecode compares the two and FuzzDecode holds them to the
// same results.
//
// Its methods return a [ProtocolError] for what is not JSON or not of the
// type asked for, and the stream's error otherwise, io.ErrUnexpectedEOF for a
// text that ends early. Slices that they return are valid until the next call.
type scanner struct {
	r          io.Reader
	buf        []byte
	head, tail int    // of the part of buf that is still to be read
	name       []byte // of the member that is being read
	depth      int
}

const bufferSize = 16 << 10

func newScanner(r io.Reader) *scanner {
	s := &scanner{buf: make([]byte, bufferSize)}
	s.reset(r)
	return s
}

func (s *scanner) reset(r io.Reader) { *s = scanner{r: r, buf: s.buf, name: s.name} }

// maxDepth bounds the stack that a hostile answer can claim. Heapster's nest
// four deep.
const maxDepth = 64

func malformed(format string, args ...any) error {
	return &ProtocolError{Message: fmt.Sprintf(format, args...)}
}

// unread is what the buffer still holds.
func (s *scanner) unread() []byte { return s.buf[s.head:s.tail] }

// more reads on from the stream, behind what is unread, and returns io.EOF at
// its end.
func (s *scanner) more() error {
	kept := copy(s.buf, s.unread())
	if kept == len(s.buf) {
		return malformed("a string or a number of more than %d bytes", len(s.buf))
	}
	n, err := io.ReadAtLeast(s.r, s.buf[kept:], 1)
	s.head, s.tail = 0, kept+n
	return err
}

// start returns the text's beginning, as far as it fits into the buffer,
// without taking it. Errors of the stream come again when the text is read.
func (s *scanner) start() []byte {
	for len(s.unread()) < len(s.buf) && s.more() == nil {
	}
	return s.unread()
}

// early turns the end of the stream into the error for a text cut short.
func early(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// peek skips white space and returns the byte behind it without taking it.
func (s *scanner) peek() (byte, error) {
	c, err := s.peekOrEnd()
	return c, early(err)
}

// peekOrEnd is peek where the text may end, with io.EOF.
func (s *scanner) peekOrEnd() (byte, error) {
	for {
		for ; s.head < s.tail; s.head++ {
			if c := s.buf[s.head]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
				return c, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// accept takes the next byte if it is c.
func (s *scanner) accept(c byte) (bool, error) {
	next, err := s.peek()
	if err != nil || next != c {
		return false, err
	}
	s.head++
	return true, nil
}

// expect takes the next byte, which has to be c.
func (s *scanner) expect(c byte) error {
	ok, err := s.accept(c)
	if err == nil && !ok {
		next, _ := s.peek()
		return malformed("%q where %q belongs", next, c)
	}
	return err
}

// list reads elements between open and shut, with commas between them.
func (s *scanner) list(open, shut byte, element func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	if s.depth++; s.depth > maxDepth {
		return malformed("nested more than %d deep", maxDepth)
	}
	done, err := s.accept(shut)
	for err == nil && !done {
		if err = element(); err != nil {
			return err
		}
		if done, err = s.accept(shut); err == nil && !done {
			err = s.expect(',')
		}
	}
	s.depth--
	return err
}

// array reads an array, calling element at each element. It takes null, which
// is how Go spells an empty slice in JSON, for an empty array.
func (s *scanner) array(element func() error) error {
	if null, err := s.null(); null || err != nil {
		return err
	}
	return s.list('[', ']', element)
}

// object reads an object, calling member at each member's value with its
// name, which is valid until something is read.
func (s *scanner) object(member func(name []byte) error) error {
	return s.list('{', '}', func() error {
		name, err := s.text()
		if err != nil {
			return err
		}
		s.name = append(s.name[:0], name...)
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(s.name)
	})
}

// skip reads a value of any type.
func (s *scanner) skip() error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return s.object(func([]byte) error { return s.skip() })
	case '[':
		return s.array(s.skip)
	case '"':
		_, err = s.text()
	case 't':
		err = s.word("true")
	case 'f':
		err = s.word("false")
	case 'n':
		err = s.word("null")
	default:
		_, err = s.real()
	}
	return err
}

// end reads up to the end of the stream, where only white space may be left.
func (s *scanner) end() error {
	c, err := s.peekOrEnd()
	switch err {
	case io.EOF:
		return nil
	case nil:
		return malformed("%q behind the end of the answer", c)
	default:
		return err
	}
}

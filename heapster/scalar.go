package heapster

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// text reads a string.
func (s *scanner) text() ([]byte, error) {
	if err := s.expect('"'); err != nil {
		return nil, err
	}
	for from := 0; ; {
		unread := s.unread()
		i := bytes.IndexByte(unread[from:], '"')
		switch {
		case i < 0:
			from = len(unread)
			if err := s.more(); err != nil {
				return nil, early(err)
			}
		case endsInEscape(unread[:from+i]):
			from += i + 1
		default:
			s.head += from + i + 1
			return unquote(unread[:from+i])
		}
	}
}

// endsInEscape reports whether an odd number of backslashes stands at the end.
func endsInEscape(raw []byte) bool {
	return (len(raw)-len(bytes.TrimRight(raw, `\`)))%2 == 1
}

// unquote returns what stands between quotation marks.
func unquote(raw []byte) ([]byte, error) {
	if !slices.ContainsFunc(raw, func(c byte) bool { return c < ' ' || c == '\\' || c > '~' }) {
		return raw, nil
	}
	var text string
	if err := json.Unmarshal(slices.Concat([]byte{'"'}, raw, []byte{'"'}), &text); err != nil {
		return nil, malformed("a string with an error in it: %v", err)
	}
	return []byte(text), nil
}

// number reads a number, or what consists of the same characters.
func (s *scanner) number() ([]byte, error) {
	c, err := s.peek()
	if err != nil {
		return nil, err
	}
	n := 0
	for {
		unread := s.unread()
		for n < len(unread) && inNumber(unread[n]) {
			n++
		}
		if n < len(unread) {
			break
		}
		if err := s.more(); err != nil {
			return nil, early(err)
		}
	}
	if n == 0 {
		return nil, malformed("%q where a number belongs", c)
	}
	digits := s.unread()[:n]
	s.head += n
	return digits, nil
}

func inNumber(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// integer reads a whole number from -2^63 to 2^64-1 and returns the int64
// with the same bits: Heapster sends an int64 as its uint64 image, so -1 is
// 18446744073709551615. A fraction or an exponent is an error, since Heapster
// sends none and rounding one would be a silent change.
func (s *scanner) integer() (int64, error) {
	digits, err := s.number()
	if err != nil {
		return 0, err
	}
	var v int64
	if digits[0] == '-' {
		v, err = strconv.ParseInt(string(digits), 10, 64)
	} else {
		var image uint64
		image, err = strconv.ParseUint(string(digits), 10, 64)
		v = int64(image)
	}
	if err != nil || leadingZero(digits) {
		return 0, malformed("value %s is not a whole number of 64 bits", digits)
	}
	return v, nil
}

// leadingZero tells whole numbers that strconv reads and JSON has not.
func leadingZero(digits []byte) bool {
	digits = bytes.TrimPrefix(digits, []byte("-"))
	return len(digits) > 1 && digits[0] == '0'
}

// real reads any number that a float64 holds.
func (s *scanner) real() (float64, error) {
	digits, err := s.number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(digits), 64)
	if err != nil || !json.Valid(digits) { // strconv reads 1. and .5, JSON does not
		return 0, malformed("%s is not a number", digits)
	}
	return v, nil
}

// null takes a null, if one comes next.
func (s *scanner) null() (bool, error) {
	c, err := s.peek()
	if err != nil || c != 'n' {
		return false, err
	}
	return true, s.word("null")
}

func (s *scanner) word(word string) error {
	for len(s.unread()) < len(word) {
		if err := s.more(); err != nil {
			return early(err)
		}
	}
	if !bytes.HasPrefix(s.unread(), []byte(word)) {
		return malformed("%q in the place of %q", s.unread()[:len(word)], word)
	}
	s.head += len(word)
	return nil
}

package heapster

import (
	"encoding/json"
	"fmt"
	"io"
)

// whole makes a decoder of one JSON value a decoder of an answer, where
// nothing but white space may follow the value.
func whole[T any](decode func(*json.Decoder) (T, error)) func(io.Reader) (T, error) {
	return func(r io.Reader) (T, error) {
		dec := json.NewDecoder(r)
		value, err := decode(dec)
		if err != nil {
			return value, err
		}
		switch _, err = dec.Token(); err {
		case io.EOF:
			return value, nil
		case nil:
			return value, malformed("more than one JSON value")
		default:
			return value, err
		}
	}
}

// list reads an array and calls element at each of its elements. It takes
// null, which is how Go spells a nil slice, for an empty array, and tells the
// two apart by null.
func list(dec *json.Decoder, element func() error) (null bool, err error) {
	token, err := dec.Token()
	switch {
	case err != nil:
		return false, err
	case token == nil:
		return true, nil
	case token != json.Delim('['):
		return false, misplaced(token, "an array")
	}
	for dec.More() {
		if err := element(); err != nil {
			return false, err
		}
	}
	_, err = dec.Token()
	return false, err
}

// member reads an object, calls value at the value of its member of that
// name, and passes over the others. An object without it is malformed.
func member(dec *json.Decoder, name string, value func() error) error {
	token, err := dec.Token()
	switch {
	case err != nil:
		return err
	case token != json.Delim('{'):
		return misplaced(token, "an object")
	}
	found := false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if key == name {
			found = true
			err = value()
		} else {
			var other json.RawMessage
			err = dec.Decode(&other)
		}
		if err != nil {
			return err
		}
	}
	if _, err = dec.Token(); err == nil && !found {
		err = malformed("an object without %s", name)
	}
	return err
}

func misplaced(token json.Token, wanted string) error {
	return malformed("%s where %s belongs", oneLine(fmt.Sprint(token)), wanted)
}

func malformed(format string, args ...any) error {
	return &ProtocolError{Message: fmt.Sprintf(format, args...)}
}

package heapster

import (
	"errors"
	"fmt"
	"io"

	json "github.com/go-json-experiment/json" // encoding/json/v2 of Go 1.27
	"github.com/go-json-experiment/json/jsontext"
)

// Decoding is the largest part of what a pass computes, and encoding/json takes
// twice as long as its successor.

// whole makes a decoder of one JSON value a decoder of an answer, where
// nothing but white space may follow the value.
func whole[T any](limits Limits, decode func(*decoder) (T, error)) func(io.Reader) (T, error) {
	return func(r io.Reader) (T, error) {
		dec := newDecoder(r, limits)
		value, err := decode(dec)
		if err != nil {
			return value, err
		}
		switch _, err = dec.ReadToken(); err {
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
func list(dec *decoder, element func() error) (null bool, err error) {
	if dec.PeekKind() == jsontext.KindNull {
		_, err := dec.ReadToken()
		return true, err
	}
	if err := expect(dec, jsontext.KindBeginArray, "an array"); err != nil {
		return false, err
	}
	for {
		switch dec.PeekKind() {
		case jsontext.KindEndArray, jsontext.KindEndObject, jsontext.KindInvalid:
			_, err := dec.ReadToken()
			return false, err
		}
		if err := element(); err != nil {
			return false, err
		}
	}
}

// object reads an object and calls value at the value of each of its members.
// The name is valid until then.
func object(dec *decoder, value func(name []byte) error) error {
	if err := expect(dec, jsontext.KindBeginObject, "an object"); err != nil {
		return err
	}
	var buffer [32]byte
	for {
		switch dec.PeekKind() {
		case jsontext.KindEndArray, jsontext.KindEndObject, jsontext.KindInvalid:
			_, err := dec.ReadToken()
			return err
		}
		quoted, err := dec.ReadValue()
		if err != nil {
			return err
		}
		name, err := jsontext.AppendUnquote(buffer[:0], quoted)
		if err != nil {
			return err
		}
		if err := value(name); err != nil {
			return err
		}
	}
}

// member reads an object, calls value at the value of its member of that
// name, and passes over the others. An object without it is malformed.
func member(dec *decoder, wanted string, value func() error) error {
	found := false
	err := object(dec, func(name []byte) error {
		if string(name) != wanted {
			return dec.SkipValue()
		}
		found = true
		return value()
	})
	if err == nil && !found {
		err = malformed("an object without %s", wanted)
	}
	return err
}

// expect reads the token that a value of the kind begins with.
func expect(dec *decoder, kind jsontext.Kind, wanted string) error {
	token, err := dec.ReadToken()
	switch {
	case err != nil:
		return err
	case token.Kind() != kind:
		return malformed("JSON %s where %s belongs", kindName(token.Kind()), wanted)
	}
	return nil
}

// decodeValue reads the next value.
func decodeValue(dec *decoder, into any) error { return json.UnmarshalDecode(dec.Decoder, into) }

// jsonProblem describes what is wrong with a text that has arrived whole, nil
// for an error that is none of JSON's.
func jsonProblem(err error) *ProtocolError {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return &ProtocolError{Message: "not JSON: " + syntax.Err.Error()}
	}
	if mistyped, ok := errors.AsType[*json.SemanticError](err); ok {
		return &ProtocolError{Message: fmt.Sprintf("JSON %s where %v belongs", kindName(mistyped.JSONKind), mistyped.GoType)}
	}
	return nil
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindBeginArray:
		return "array"
	case jsontext.KindBeginObject:
		return "object"
	default:
		return kind.String()
	}
}

// malformed may say what came, whole: bodyError takes credentials out of it,
// and then cuts it.
func malformed(format string, args ...any) error {
	return &ProtocolError{Message: fmt.Sprintf(format, args...)}
}

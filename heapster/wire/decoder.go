package wire

import (
	"errors"
	"fmt"
	"io"

	json "github.com/go-json-experiment/json" // encoding/json/v2 of Go 1.27
	"github.com/go-json-experiment/json/jsontext"
)

// Decoder reads an answer within limits, by a method for each page. (Decoding takes
// most of a pass's CPU time, and encoding/json takes twice as long as its
// successor.)
type Decoder struct {
	*jsontext.Decoder
	limits Limits
	rows   exportRows // of the set that is read
}

// Decode reads an answer: one JSON value with nothing but white space after it.
// Its errors are a [FormatError], a [schema.LimitError], and the errors of r.
func Decode[T any](r io.Reader, limits Limits, page func(*Decoder) (T, error)) (T, error) {
	dec := &Decoder{Decoder: jsontext.NewDecoder(&guard{from: r, limits: limits}), limits: limits}
	value, err := page(dec)
	if err == nil {
		if _, err = dec.ReadToken(); err == nil {
			err = malformed("more than one JSON value")
		} else if err == io.EOF {
			err = nil
		}
	}
	return value, formatError(err)
}

// Value reads any JSON value as encoding/json/v2 does, for answers that are not
// Heapster's.
func (dec *Decoder) Value(into any) error { return json.UnmarshalDecode(dec.Decoder, into) }

// FormatError reports an answer that has arrived whole and is not what Heapster
// sends.
type FormatError struct{ Message string }

// Error is the message. It may quote the answer: cut it before showing it.
func (e *FormatError) Error() string { return e.Message }

func malformed(format string, args ...any) error {
	return &FormatError{fmt.Sprintf(format, args...)}
}

// formatError describes errors of JSON, and returns others as they are.
func formatError(err error) error {
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return malformed("not JSON: %v", syntax.Err)
	}
	if mistyped, ok := errors.AsType[*json.SemanticError](err); ok {
		return malformed("JSON %s where %v belongs", kindName(mistyped.JSONKind), mistyped.GoType)
	}
	return err
}

// list reads an array and calls element at each element. It reads null, as Go spells
// a nil slice, as an empty array, and reports it.
func (dec *Decoder) list(element func() error) (null bool, err error) {
	if dec.PeekKind() == jsontext.KindNull {
		_, err := dec.ReadToken()
		return true, err
	}
	if err := dec.expect(jsontext.KindBeginArray, "an array"); err != nil {
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

// object reads an object and calls value at the value of each member. The name is
// valid only during the call.
func (dec *Decoder) object(value func(name []byte) error) error {
	if err := dec.expect(jsontext.KindBeginObject, "an object"); err != nil {
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

// member reads an object, calls value at the value of the wanted member, and skips
// the others. An object without that member is malformed.
func (dec *Decoder) member(wanted string, value func() error) error {
	found := false
	err := dec.object(func(name []byte) error {
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

// expect reads the first token of a value of the kind.
func (dec *Decoder) expect(kind jsontext.Kind, wanted string) error {
	token, err := dec.ReadToken()
	switch {
	case err != nil:
		return err
	case token.Kind() != kind:
		return malformed("JSON %s where %s belongs", kindName(token.Kind()), wanted)
	}
	return nil
}

// scalar reads a value that is neither an array nor an object: those would be
// in memory whole.
func (dec *Decoder) scalar() (jsontext.Value, error) {
	switch kind := dec.PeekKind(); kind {
	case jsontext.KindBeginArray, jsontext.KindBeginObject:
		return nil, malformed("JSON %s where a number or a text belongs", kindName(kind))
	default:
		return dec.ReadValue()
	}
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

package pages

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"strings"
)

// maxPayload bounds the length of a row. heapstash's are some hundred bytes, but
// for a view's definition.
const maxPayload = 16 << 20

// varint reads SQLite's variable-length integer, and returns the bytes after it.
func varint(data []byte) (int64, []byte, bool) {
	var v uint64
	for i := range min(9, len(data)) {
		if i == 8 {
			return int64(v<<8 | uint64(data[i])), data[9:], true
		}
		v = v<<7 | uint64(data[i]&0x7f)
		if data[i] < 0x80 {
			return int64(v), data[i+1:], true
		}
	}
	return 0, nil, false
}

// decode returns the values of a record: nil, int64, float64, string or []byte. The
// lengths in its header must add up to its size.
func decode(payload []byte) ([]any, bool) {
	size, rest, ok := varint(payload)
	if !ok || size < 1 || size > int64(len(payload)) {
		return nil, false
	}
	header, body := rest[:max(0, int(size)-(len(payload)-len(rest)))], payload[size:]
	var values []any
	for len(header) > 0 {
		var kind int64
		if kind, header, ok = varint(header); !ok {
			return nil, false
		}
		value, length, ok := decodeValue(kind, body)
		if !ok {
			return nil, false
		}
		values, body = append(values, value), body[length:]
	}
	return values, len(body) == 0
}

func decodeValue(kind int64, body []byte) (value any, length int, ok bool) {
	lengths := [...]int{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}
	switch {
	case kind < 0 || kind == 10 || kind == 11:
		return nil, 0, false
	case kind >= 12:
		if (kind-12)/2 > int64(len(body)) {
			return nil, 0, false
		}
		length = int((kind - 12) / 2)
		if kind%2 == 0 {
			return bytes.Clone(body[:length]), length, true
		}
		return string(body[:length]), length, true
	}
	if length = lengths[kind]; length > len(body) {
		return nil, 0, false
	}
	switch kind {
	case 0:
		return nil, 0, true
	case 7:
		return math.Float64frombits(binary.BigEndian.Uint64(body)), 8, true
	case 8, 9:
		return kind - 8, 0, true
	}
	v := int64(int8(body[0]))
	for _, b := range body[1:length] {
		v = v<<8 | int64(b)
	}
	return v, length, true
}

// compareKeys orders keys as SQLite does, by the BINARY collation.
func compareKeys(a, b []any) int {
	for i := range min(len(a), len(b)) {
		if c := compareValues(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}

func compareValues(a, b any) int {
	if c := cmp.Compare(class(a), class(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(float64(a), b.(float64))
	case float64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, float64(b))
		}
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case []byte:
		return bytes.Compare(a, b.([]byte))
	default:
		return 0
	}
}

func class(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case int64, float64:
		return 1
	case string:
		return 2
	default:
		return 3
	}
}

package heapster

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"heapstash/schema"
)

// decodeNothing reads a text and passes over it.
func decodeNothing(r io.Reader) (none struct{}, err error) {
	_, err = io.Copy(io.Discard, r)
	return none, err
}

// decodeNames reads an array of names. Heapster puts them in another order
// each time: they come sorted, each once.
func decodeNames[N ~string](dec *decoder) ([]N, error) {
	var names []N
	err := decodeValue(dec, &names)
	for _, name := range names {
		err = cmp.Or(err, checkName(string(name)))
	}
	slices.Sort(names)
	return slices.Compact(names), err
}

// decodeMetricNames does so with the names of an entity's metrics.
func decodeMetricNames(dec *decoder) ([]schema.MetricName, error) {
	names, err := decodeNames[schema.MetricName](dec)
	count := 0
	for range names {
		err = cmp.Or(err, dec.limits.countMetrics(&count))
	}
	return names, err
}

// decodeItems returns a decoder of a list of so many series. Heapster gives
// them in the order of the request and without names, so that any other
// number means that they cannot be told apart.
func decodeItems(want int) func(*decoder) ([][]schema.Point, error) {
	return func(dec *decoder) ([][]schema.Point, error) {
		items := make([][]schema.Point, 0, want)
		err := member(dec, "items", func() error {
			_, err := list(dec, func() error {
				if len(items) == want {
					return malformed("more than the %d items asked for", want)
				}
				points, err := decodeSeries(dec)
				items = append(items, points)
				return err
			})
			return err
		})
		if err == nil && len(items) != want {
			err = malformed("%d items where %d were asked for", len(items), want)
		}
		return items, err
	}
}

// decodeSeries reads the points of a MetricResult (Heapster's
// metrics/api/v1/types), in the order of the answer. It passes over its
// latestTimestamp, and over points of the year 1, which Heapster means no time
// by.
func decodeSeries(dec *decoder) (points []schema.Point, err error) {
	err = member(dec, "metrics", func() error {
		count := 0
		_, err := list(dec, func() error {
			p, err := decodePoint(dec)
			if err == nil {
				err = countPoints(&count)
			}
			if err == nil && p.At != 0 {
				points = append(points, p)
			}
			return err
		})
		return err
	})
	return points, err
}

// decodePoint reads a MetricPoint. Heapster sends an int64 as its uint64 image,
// so -1 is 18446744073709551615; it sends no sign, fraction or exponent there,
// and none is taken. Its floatValue, which no version up to HEAD fills, is
// exact where value is cut to an integer, and so it wins.
//
// It takes the members one by one, for a pass reads tens of thousands of them.
func decodePoint(dec *decoder) (schema.Point, error) {
	var p schema.Point
	var timed, valued, exact bool
	err := object(dec, func(name []byte) error {
		switch string(name) {
		case "timestamp", "value", "floatValue":
		default:
			return dec.SkipValue()
		}
		text, err := scalar(dec)
		if err != nil {
			return err
		}
		switch string(name) {
		case "timestamp":
			timed = true
			p.At, err = decodeInstant(text)
			return err
		case "value":
			image, err := strconv.ParseUint(string(text), 10, 64)
			if err != nil {
				return malformed("value %s is not an unsigned integer of 64 bits", text)
			}
			if valued = true; !exact {
				p.Value = schema.Int(int64(image))
			}
		case "floatValue":
			if text.Kind() == jsontext.KindNull {
				return nil
			}
			float, err := strconv.ParseFloat(string(text), 64)
			if err != nil {
				return malformed("floatValue %s is not a number", text)
			}
			p.Value, exact = schema.Real(float), true
		}
		return nil
	})
	if err == nil && !(timed && (valued || exact)) {
		err = malformed("a point without a timestamp or a value")
	}
	return p, err
}

func decodeInstant(text jsontext.Value) (schema.Instant, error) {
	var buffer [64]byte
	plain, err := jsontext.AppendUnquote(buffer[:0], text)
	var at time.Time
	if err == nil {
		err = at.UnmarshalText(plain)
	}
	if err != nil {
		return 0, malformed("timestamp %s is not RFC 3339", text)
	}
	return schema.InstantOf(at), nil
}

// scalar reads a value that is neither an array nor an object, either of which
// would be held in memory whole.
func scalar(dec *decoder) (jsontext.Value, error) {
	switch kind := dec.PeekKind(); kind {
	case jsontext.KindBeginArray, jsontext.KindBeginObject:
		return nil, malformed("JSON %s where a number or a text belongs", kindName(kind))
	default:
		return dec.ReadValue()
	}
}

package heapster

import (
	"encoding/json"
	"io"
	"slices"
	"time"

	"heapstash/schema"
)

// decodeNothing reads a text and passes over it.
func decodeNothing(r io.Reader) (none struct{}, err error) {
	_, err = io.Copy(io.Discard, r)
	return none, err
}

// decodeNames reads an array of names. Heapster puts them in another order
// each time: they come sorted, each once.
func decodeNames[N ~string](dec *json.Decoder) ([]N, error) {
	var names []N
	err := dec.Decode(&names)
	slices.Sort(names)
	return slices.Compact(names), err
}

// decodeItems returns a decoder of a list of so many series. Heapster gives
// them in the order of the request and without names, so that any other
// number means that they cannot be told apart.
func decodeItems(want int) func(*json.Decoder) ([][]schema.Point, error) {
	return func(dec *json.Decoder) ([][]schema.Point, error) {
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

// seriesJSON is a MetricResult (Heapster's metrics/api/v1/types) without its
// latestTimestamp.
type seriesJSON struct {
	Metrics *[]pointJSON `json:"metrics"`
}

// decodeSeries reads the points of a series, in the order of the answer. It
// passes over points of the year 1, which Heapster means no time by.
func decodeSeries(dec *json.Decoder) ([]schema.Point, error) {
	var list []pointJSON
	series := seriesJSON{Metrics: &list} // null makes nil of it, and an empty array is not nil
	if err := dec.Decode(&series); err != nil {
		return nil, err
	}
	if series.Metrics != nil && list == nil {
		return nil, malformed("a series without metrics")
	}
	points := slices.Grow([]schema.Point(nil), len(list))
	for _, decoded := range list {
		p, err := decoded.point()
		if err != nil {
			return nil, err
		}
		if p.At != 0 {
			points = append(points, p)
		}
	}
	return points, nil
}

// pointJSON is a MetricPoint. Heapster sends an int64 as its uint64 image, so
// -1 is 18446744073709551615; it sends no sign, fraction or exponent there,
// and encoding/json takes none for a uint64. Its floatValue, which no version
// up to HEAD fills, is exact where value is cut to an integer, and so it wins.
type pointJSON struct {
	Timestamp  string   `json:"timestamp"`
	Value      *uint64  `json:"value"`
	FloatValue *float64 `json:"floatValue"`
}

func (p *pointJSON) point() (schema.Point, error) {
	at, err := decodeInstant(p.Timestamp)
	switch {
	case err != nil:
		return schema.Point{}, err
	case p.FloatValue != nil:
		return schema.Point{At: at, Value: schema.Real(*p.FloatValue)}, nil
	case p.Value != nil:
		return schema.Point{At: at, Value: schema.Int(int64(*p.Value))}, nil
	default:
		return schema.Point{}, malformed("a point without a value")
	}
}

func decodeInstant(text string) (schema.Instant, error) {
	var t time.Time
	if err := t.UnmarshalText([]byte(text)); err != nil {
		return 0, malformed("timestamp %q is not RFC 3339", text)
	}
	return schema.InstantOf(t), nil
}

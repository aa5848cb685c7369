package heapster

import (
	"io"
	"slices"
	"time"

	"heapstash/schema"
)

// decodeNothing reads a text and passes over it.
func decodeNothing(s *scanner) (none struct{}, err error) {
	for err == nil {
		s.head = s.tail
		err = s.more()
	}
	if err == io.EOF {
		err = nil
	}
	return none, err
}

// decodeNames reads an array of names. Heapster puts them in another order
// each time: they come sorted, each once.
func decodeNames[N ~string](s *scanner) ([]N, error) {
	var names []N
	err := s.array(func() error {
		name, err := s.text()
		if err != nil {
			return err
		}
		names = append(names, N(name))
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

// decodeSeries reads the points of one series.
func decodeSeries(s *scanner) ([]schema.Point, error) {
	return appendSeries(nil, s)
}

// decodeItems returns a decoder of a list of so many series. Heapster gives
// them in the order of the request and without names, so that any other
// number means that they cannot be told apart.
func decodeItems(want int) func(*scanner) ([][]schema.Point, error) {
	return func(s *scanner) ([][]schema.Point, error) {
		var points []schema.Point // of all items: one slice grows, not a hundred
		ends := make([]int, 0, want)
		err := s.object(func(name []byte) error {
			if string(name) != "items" {
				return s.skip()
			}
			return s.array(func() (err error) {
				if len(ends) == want {
					return malformed("more than the %d items asked for", want)
				}
				points, err = appendSeries(points, s)
				ends = append(ends, len(points))
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		if len(ends) != want {
			return nil, malformed("%d items where %d were asked for", len(ends), want)
		}
		items := make([][]schema.Point, want)
		start := 0
		for i, end := range ends {
			if start < end {
				items[i] = points[start:end:end]
			}
			start = end
		}
		return items, nil
	}
}

// appendSeries reads a MetricResult (Heapster's metrics/api/v1/types) and
// appends its points, in the order of the answer. It passes over
// latestTimestamp, and over points of the year 1, which Heapster means no time
// by.
func appendSeries(points []schema.Point, s *scanner) ([]schema.Point, error) {
	found := false
	err := s.object(func(name []byte) error {
		if string(name) != "metrics" {
			return s.skip()
		}
		found = true
		return s.array(func() error {
			p, err := decodePoint(s)
			if err == nil && p.At != 0 {
				points = append(points, p)
			}
			return err
		})
	})
	if err == nil && !found {
		err = malformed("a series without metrics")
	}
	return points, err
}

// decodePoint reads a MetricPoint. Its floatValue, which no version up to
// HEAD fills, is exact where value is cut to an integer, and so it wins.
func decodePoint(s *scanner) (schema.Point, error) {
	var p schema.Point
	var timed, valued, exact bool
	err := s.object(func(name []byte) (err error) {
		switch string(name) {
		case "timestamp":
			timed = true
			p.At, err = decodeInstant(s)
		case "value":
			valued = true
			var v int64
			if v, err = s.integer(); !exact {
				p.Value = schema.Int(v)
			}
		case "floatValue":
			var null bool
			if null, err = s.null(); null || err != nil {
				return err
			}
			valued, exact = true, true
			var v float64
			v, err = s.real()
			p.Value = schema.Real(v)
		default:
			err = s.skip()
		}
		return err
	})
	if err == nil && !(timed && valued) {
		err = malformed("a point without a timestamp or a value")
	}
	return p, err
}

func decodeInstant(s *scanner) (schema.Instant, error) {
	text, err := s.text()
	if err != nil {
		return 0, err
	}
	var t time.Time
	if err := t.UnmarshalText(text); err != nil {
		return 0, malformed("timestamp %q is not RFC 3339", text)
	}
	return schema.InstantOf(t), nil
}

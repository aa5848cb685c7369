package wire

import (
	stdjson "encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"heapstash/schema"
)

// resultJSON is Heapster's MetricResult (metrics/api/v1/types). Without points
// its latestTimestamp is 0001-01-01T00:00:00Z. [Decoder.Series] reads it.
type resultJSON struct {
	Metrics         []pointJSON `json:"metrics"`
	LatestTimestamp time.Time   `json:"latestTimestamp"`
}

// pointJSON is Heapster's MetricPoint. [Decoder.point] reads it.
type pointJSON struct {
	Timestamp time.Time `json:"timestamp"`
	Value     uint64    `json:"value"`
}

// resultListJSON is Heapster's MetricResultList. [Decoder.PodSeries] reads it.
type resultListJSON struct {
	Items []resultJSON `json:"items"`
}

// Point is a point to write. (Heapster's own times have whole seconds, but it shows
// others as they are.)
type Point struct {
	At    time.Time
	Value schema.Value
}

// WriteSeries writes a SeriesPage.
func WriteSeries(w io.Writer, points []Point) error {
	return writeIndented(w, newResult(points))
}

// WritePodSeries writes a PodListPage.
func WritePodSeries(w io.Writer, items [][]Point) error {
	list := resultListJSON{Items: make([]resultJSON, len(items))}
	for i, points := range items {
		list.Items[i] = newResult(points)
	}
	return stdjson.NewEncoder(w).Encode(list)
}

// newResult cuts floats and wraps negative integers, as Heapster's
// exportTimestampedMetricValue does.
func newResult(points []Point) resultJSON {
	result := resultJSON{Metrics: make([]pointJSON, 0, len(points))}
	for _, p := range points {
		value, ok := p.Value.Int64()
		if !ok {
			value = int64(p.Value.Float64())
		}
		result.Metrics = append(result.Metrics, pointJSON{p.At, uint64(value)})
		if result.LatestTimestamp.Before(p.At) {
			result.LatestTimestamp = p.At
		}
	}
	return result
}

// PodSeries returns a function that reads a PodListPage of so many series.
// Heapster gives them in the order of the request and without names: with any other
// number, their pods are not known.
func PodSeries(want int) func(*Decoder) ([][]schema.Point, error) {
	return func(dec *Decoder) ([][]schema.Point, error) {
		items := make([][]schema.Point, 0, want)
		err := dec.member("items", func() error {
			_, err := dec.list(func() error {
				if len(items) == want {
					return malformed("more than the %d items asked for", want)
				}
				points, err := dec.Series()
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

// Series reads the points of a SeriesPage in the order of the answer. It skips
// latestTimestamp, and points of the year 1, by which Heapster means no time.
func (dec *Decoder) Series() (points []schema.Point, err error) {
	err = dec.member("metrics", func() error {
		count := 0
		_, err := dec.list(func() error {
			p, err := dec.point()
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

// point reads one point. Heapster sends an int64 as its uint64 image, so that -1
// is 18446744073709551615. It sends no sign, fraction or exponent there, and
// none is accepted. No version up to HEAD fills floatValue; if it is there, it
// wins, because it is exact where value was cut to an integer.
//
// The members are read one by one, for speed: a pass reads tens of thousands of
// points.
func (dec *Decoder) point() (schema.Point, error) {
	var p schema.Point
	var timed, valued, exact bool
	err := dec.object(func(name []byte) error {
		switch string(name) {
		case "timestamp", "value", "floatValue":
		default:
			return dec.SkipValue()
		}
		text, err := dec.scalar()
		if err != nil {
			return err
		}
		switch string(name) {
		case "timestamp":
			timed = true
			p.At, err = parseInstant(text)
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

func parseInstant(text jsontext.Value) (schema.Instant, error) {
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

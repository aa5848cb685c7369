package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"heapstash/schema"
)

func decode[T any](page func(*Decoder) (T, error), text string) (T, error) {
	// A byte at a time, so that every value is split between two reads.
	return Decode(iotest.OneByteReader(strings.NewReader(text)), Limits{}.WithDefaults(), page)
}

func at(t *testing.T, text string) schema.Instant {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return schema.InstantOf(moment)
}

func TestDecodeSeries(t *testing.T) {
	minute := at(t, "2017-09-27T07:09:00Z")
	point := func(v schema.Value) []schema.Point { return []schema.Point{{At: minute, Value: v}} }
	one := func(rest string) string {
		return `{"metrics":[{"timestamp":"2017-09-27T07:09:00Z",` + rest + `}],"latestTimestamp":"2017-09-27T07:09:00Z"}`
	}
	for name, test := range map[string]struct {
		text string
		want []schema.Point
	}{
		"none":        {`{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}`, nil},
		"null":        {`{"metrics":null}`, nil},
		"plain":       {one(`"value":13986309`), point(schema.Int(13986309))},
		"minus one":   {one(`"value":18446744073709551615`), point(schema.Int(-1))},
		"smallest":    {one(`"value":9223372036854775808`), point(schema.Int(math.MinInt64))},
		"largest":     {one(`"value":9223372036854775807`), point(schema.Int(math.MaxInt64))},
		"past 2^53":   {one(`"value":9007199254740993`), point(schema.Int(9007199254740993))},
		"float wins":  {one(`"value":0,"floatValue":0.2551`), point(schema.Real(0.2551))},
		"float first": {one(`"floatValue":-1.5e3,"value":18446744073709550116`), point(schema.Real(-1500))},
		"float null":  {one(`"floatValue":null,"value":7`), point(schema.Int(7))},
		"unknown fields": {one(`"unit":{"a":[1,true,false,null,"\"\\\"",{"b":-2.5E+1}],"c":{}},"value":7`),
			point(schema.Int(7))},
		"pretty": {"{\n  \"metrics\": [\n   {\n    \"timestamp\": \"2017-09-27T07:09:00Z\",\n    \"value\": 7\n   }\n  ],\n" +
			"  \"latestTimestamp\": \"2017-09-27T07:09:00Z\"\n }\r\n\t", point(schema.Int(7))},
		"zones": {`{"metrics":[{"timestamp":"2017-09-27T16:09:00+09:00","value":1},{"timestamp":"2017-09-27T07:09:00.999Z","value":1}]}`,
			append(point(schema.Int(1)), point(schema.Int(1))...)},
		"no time": {`{"metrics":[{"timestamp":"0001-01-01T00:00:00Z","value":1},{"timestamp":"2017-09-27T07:09:00Z","value":2}]}`,
			point(schema.Int(2))},
		"escaped": {`{"metr\u0069cs":[{"timestamp":"2017-09-27T07:09:00\u005a","value":2}]}`, point(schema.Int(2))},
		"order and repetition stay": {`{"metrics":[{"timestamp":"2017-09-27T07:10:00Z","value":2},{"timestamp":"2017-09-27T07:09:00Z","value":1},{"timestamp":"2017-09-27T07:09:00Z","value":1}]}`,
			[]schema.Point{{At: minute + 60, Value: schema.Int(2)}, {At: minute, Value: schema.Int(1)}, {At: minute, Value: schema.Int(1)}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode((*Decoder).Series, test.text)
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	one := func(members string) string { return `{"metrics":[{` + members + `}]}` }
	const stamp = `"timestamp":"2017-09-27T07:09:00Z",`
	for text, message := range map[string]string{
		one(stamp + `"value":2.5`):                      "value 2.5 is not an unsigned integer",
		one(stamp + `"value":1e3`):                      "value 1e3 is not an unsigned integer",
		one(stamp + `"value":-42`):                      "value -42 is not an unsigned integer",
		one(stamp + `"value":18446744073709551616`):     "is not an unsigned integer of 64 bits",
		one(stamp + `"value":"7"`):                      `value "7" is not an unsigned integer`,
		one(stamp + `"value":007`):                      "not JSON",
		one(stamp + `"value":null`):                     "value null is not an unsigned integer",
		one(stamp + `"valu":1`):                         "without a timestamp or a value",
		one(stamp + `"value":0,"floatValue":1e999`):     "floatValue 1e999 is not a number",
		one(stamp + `"value":0,"floatValue":.5`):        "not JSON",
		one(`"value":1`):                                "without a timestamp or a value",
		one(`"timestamp":"yesterday","value":1`):        `"yesterday" is not RFC 3339`,
		one(`"timestamp":1506496140,"value":1`):         "timestamp 1506496140 is not RFC 3339",
		one(stamp + `"value":1,`):                       "not JSON",
		`{}`:                                            "without metrics",
		`{"kind":"Status","metrics_":[]}`:               "without metrics",
		`["a"]`:                                         "array where",
		`{"metrics":{}}`:                                "object where",
		`{"metrics":[]} {}`:                             "more than one JSON value",
		`{"metrics":[]}]`:                               "not JSON",
		`{"metrics":[],}`:                               "not JSON",
		`{"metrics":nill}`:                              "not JSON",
		`{"metrics":[],"a":"\q"}`:                       "not JSON",
		`{"metrics":[],"a":` + strings.Repeat("[", 1e5): "JSON nested deeper than 100",
	} {
		_, err := decode((*Decoder).Series, text)
		var format *FormatError
		var limit *schema.LimitError
		if !errors.As(err, &format) && !errors.As(err, &limit) || !strings.Contains(err.Error(), message) {
			t.Errorf("%.99s: got %v; want a FormatError with %q", text, err, message)
		}
	}
}

func TestDecodeTellsWhereTextEndsEarly(t *testing.T) {
	text := `{"items":[{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":1,"a":[true,null,"\"x"]}],"latestTimestamp":"x"}]}`
	if _, err := decode(PodSeries(1), text); err != nil {
		t.Fatal(err)
	}
	for n := range len(text) {
		_, err := decode(PodSeries(1), text[:n])
		if want := io.ErrUnexpectedEOF; !errors.Is(err, want) && !(n == 0 && err == io.EOF) {
			t.Errorf("cut at %d: got %v", n, err)
		}
	}
}

func TestDecodeItems(t *testing.T) {
	const some = `{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":%d}],"latestTimestamp":"x"}`
	const none = `{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}`
	first, third := fmt.Sprintf(some, 1), fmt.Sprintf(some, 3)

	got, err := decode(PodSeries(3), `{"items":[`+first+","+none+","+third+`]}`)
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	stamp := at(t, "2017-09-27T07:09:00Z")
	want := [][]schema.Point{{{At: stamp, Value: schema.Int(1)}}, nil, {{At: stamp, Value: schema.Int(3)}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}

	for text, message := range map[string]string{
		`{"items":[` + first + `]}`:                           "1 items where 2 were asked for",
		`{"items":[` + first + "," + none + "," + first + `]`: "more than the 2 items",
		`{"items":[` + first + "," + none + `],}`:             "not JSON",
		`{"items":[` + first + "," + none + `}`:               "not JSON",
		`{"items":[]}`:                                        "0 items",
		`{"items":null}`:                                      "0 items",
		`{"items":{"a":1}}`:                                   "JSON object where an array belongs",
		`{}`:                                                  "an object without items",
		`["a"]`:                                               "JSON array where an object belongs",
		`null`:                                                "where an object belongs",
		`{"items":[],"a":[}`:                                  "not JSON",
	} {
		if _, err := decode(PodSeries(2), text); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: got %v; want %q", text, err, message)
		}
	}
}

func TestDecodeNames(t *testing.T) {
	for text, want := range map[string][]string{
		`[]`:                        nil,
		`null`:                      nil,
		`["b", "a" ,"b"]`:           {"a", "b"},
		`["\u0026\"\\","ünï","𝕏"]`:  {`&"\`, "ünï", "𝕏"},
		"[\n \"kube-system\"\n]\n ": {"kube-system"},
	} {
		got, err := decode((*Decoder).Names, text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
}

// encode writes points as Heapster does.
func encode(points []schema.Point) string {
	var b strings.Builder
	b.WriteString(`{"metrics":[`)
	for i, p := range points {
		if i > 0 {
			b.WriteByte(',')
		}
		if whole, ok := p.Value.Int64(); ok {
			fmt.Fprintf(&b, `{"timestamp":%q,"value":%d}`, p.At, uint64(whole))
		} else {
			fmt.Fprintf(&b, `{"timestamp":%q,"value":0,"floatValue":%g}`, p.At, p.Value.Float64())
		}
	}
	b.WriteString(`]}`)
	return b.String()
}

// FuzzDecode checks that nothing panics, that the decoded points are the oracle's, and
// that they are the same after encoding and decoding.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":13986309}],"latestTimestamp":"2017-09-27T07:11:00Z"}`,
		`{"metrics":[{"timestamp":"2017-09-27T16:09:00+09:00","value":18446744073709551615}]}`,
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":0,"floatValue":0.2551}]}`,
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":-1},{"timestamp":"2017-09-27T07:09:00Z","value":1e3}]}`,
		`{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}`,
		`{"metrics":null,"a":{"b":[1,-2.5e3,true,false,null,"\u0026\"\\"]}}`,
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":`,
		"{\n \"metrics\": []\n}",
		"<html>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		points, err := decode((*Decoder).Series, text)
		if err != nil {
			return
		}
		if want := oracle(t, text); !slices.Equal(points, want) {
			t.Fatalf("%q: got %v; want %v", text, points, want)
		}
		if slices.ContainsFunc(points, func(p schema.Point) bool { return p.At.Time().Year() > 9999 }) {
			return // a zone takes it beyond what RFC 3339 can spell
		}
		again, err := decode((*Decoder).Series, encode(points))
		if err != nil || !slices.Equal(points, again) {
			t.Fatalf("%q: %v came back as %v, %v", text, points, again, err)
		}
	})
}

// oracle reads a well-formed series as generic values, with numbers as texts.
func oracle(t *testing.T, text string) (points []schema.Point) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var series map[string]any
	if err := dec.Decode(&series); err != nil {
		t.Fatal(err)
	}
	list, _ := series["metrics"].([]any)
	for _, element := range list {
		point := element.(map[string]any)
		stamp, err := time.Parse(time.RFC3339, point["timestamp"].(string))
		if err != nil {
			t.Fatal(err)
		}
		var value schema.Value
		if exact, ok := point["floatValue"].(json.Number); ok {
			f, _ := exact.Float64()
			value = schema.Real(f)
		} else {
			image, _ := new(big.Int).SetString(point["value"].(json.Number).String(), 10)
			if image.Bit(63) == 1 {
				image.Sub(image, new(big.Int).Lsh(big.NewInt(1), 64))
			}
			value = schema.Int(image.Int64())
		}
		if stamp.Unix() > 0 {
			points = append(points, schema.Point{At: schema.Instant(stamp.Unix()), Value: value})
		}
	}
	return points
}

// podList is an answer for so many pods, of three points each.
func podList(pods int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := range pods {
		if i > 0 {
			b.WriteByte(',')
		}
		var points []schema.Point
		for minute := range 3 {
			points = append(points, schema.Point{
				At:    schema.Instant(1506496140 + 60*minute),
				Value: schema.Int(int64(13986309*(i+1) + 60000*minute)),
			})
		}
		b.WriteString(encode(points))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkDecode(b *testing.B) {
	const pods = 100
	text := podList(pods)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(text), Limits{}.WithDefaults(), PodSeries(pods)); err != nil {
			b.Fatal(err)
		}
	}
}

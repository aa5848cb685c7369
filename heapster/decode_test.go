package heapster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"heapstash/schema"
)

func scan[T any](decode func(*scanner) (T, error), text string) (T, error) {
	// A byte at a time, so that every value lies across a refill somewhere.
	s := newScanner(iotest.OneByteReader(strings.NewReader(text)))
	v, err := decode(s)
	if err == nil {
		err = s.end()
	}
	return v, err
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
		"signed":      {one(`"value":-42`), point(schema.Int(-42))},
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
			got, err := scan(decodeSeries, test.text)
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
		one(stamp + `"value":2.5`):                     "2.5 is not a whole number",
		one(stamp + `"value":1e3`):                     "1e3 is not a whole number",
		one(stamp + `"value":18446744073709551616`):    "not a whole number of 64 bits",
		one(stamp + `"value":-9223372036854775809`):    "not a whole number of 64 bits",
		one(stamp + `"value":007`):                     "not a whole number",
		one(stamp + `"value":"7"`):                     "where a number belongs",
		one(stamp + `"value":null`):                    "where a number belongs",
		one(stamp + `"value":0,"floatValue":1e999`):    "not a number",
		one(stamp + `"value":0,"floatValue":.5`):       "not a number",
		one(`"value":1`):                               "without a timestamp",
		one(stamp + `"valu":1`):                        "without a timestamp or a value",
		one(`"timestamp":"yesterday","value":1`):       "not RFC 3339",
		one(`"timestamp":1506496140,"value":1`):        `where '"' belongs`,
		one(stamp + `"value":1,`):                      "belongs",
		`{}`:                                           "without metrics",
		`{"kind":"Status","metrics_":[]}`:              "without metrics",
		`["a"]`:                                        "'[' where '{' belongs",
		`{"metrics":[]} {}`:                            "behind the end",
		`{"metrics":[],}`:                              "belongs",
		`{"metrics":[] "a":1}`:                         "belongs",
		`{"metrics":nill}`:                             `in the place of "null"`,
		`{"metrics":[],"a":` + strings.Repeat("[", 99): "nested more than",
		`{"metrics":[],"a":"` + strings.Repeat("a", bufferSize) + `"}`: "a string or a number of more than",
		`{"metrics":[],"a":"\q"}`:                                      "a string with an error",
	} {
		_, err := scan(decodeSeries, text)
		var protocol *ProtocolError
		if !errors.As(err, &protocol) || !strings.Contains(err.Error(), message) {
			t.Errorf("%.99s: got %v; want a ProtocolError with %q", text, err, message)
		}
	}
}

func TestDecodeTellsWhereTextEndsEarly(t *testing.T) {
	whole := `{"items":[{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":1,"a":[true,null,"\"x"]}],"latestTimestamp":"x"}]}`
	if _, err := scan(decodeItems(1), whole); err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		if _, err := scan(decodeItems(1), whole[:n]); err != io.ErrUnexpectedEOF {
			t.Errorf("cut at %d: got %v", n, err)
		}
	}
}

func TestDecodeItems(t *testing.T) {
	const some = `{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":%d}],"latestTimestamp":"x"}`
	const none = `{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}`
	first, third := fmt.Sprintf(some, 1), fmt.Sprintf(some, 3)

	got, err := scan(decodeItems(3), `{"items":[`+first+","+none+","+third+`]}`)
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	stamp := at(t, "2017-09-27T07:09:00Z")
	want := [][]schema.Point{{{At: stamp, Value: schema.Int(1)}}, nil, {{At: stamp, Value: schema.Int(3)}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
	if _ = append(got[0], schema.Point{}); got[2][0].Value != schema.Int(3) {
		t.Error("appending to one item overwrites another")
	}

	for text, message := range map[string]string{
		`{"items":[` + first + `]}`:                           "1 items where 2 were asked for",
		`{"items":[` + first + "," + none + "," + first + `]`: "more than the 2 items",
		`{"items":[]}`: "0 items",
		`{}`:           "0 items",
	} {
		if _, err := scan(decodeItems(2), text); err == nil || !strings.Contains(err.Error(), message) {
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
		got, err := scan(decodeNames[string], text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
}

// reference is what encoding/json makes of an answer.
type reference struct {
	Metrics []struct {
		Timestamp  time.Time   `json:"timestamp"`
		Value      json.Number `json:"value"`
		FloatValue *float64    `json:"floatValue"`
	} `json:"metrics"`
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

// FuzzDecode checks that nothing panics, that what decodes is JSON with as
// many points as encoding/json sees, and that it decodes the same again once
// encoded.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":13986309}],"latestTimestamp":"2017-09-27T07:11:00Z"}`,
		`{"metrics":[{"timestamp":"2017-09-27T16:09:00+09:00","value":18446744073709551615}]}`,
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":0,"floatValue":0.2551}]}`,
		`{"metrics":[],"latestTimestamp":"0001-01-01T00:00:00Z"}`,
		`{"metrics":null,"a":{"b":[1,-2.5e3,true,false,null,"\u0026\"\\"]}}`,
		`{"metrics":[{"timestamp":"2017-09-27T07:09:00Z","value":`,
		"{\n \"metrics\": []\n}",
		"<html>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		points, err := scan(decodeSeries, text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q is not JSON", text)
		}
		again, err := scan(decodeSeries, encode(points))
		if err != nil || !reflect.DeepEqual(points, again) {
			t.Fatalf("%q: %v came back as %v, %v", text, points, again, err)
		}
		// Where a name stands twice or in capitals, encoding/json has its own
		// view of it.
		var ref reference
		if strings.Count(strings.ToLower(text), "metrics") == 1 && json.Unmarshal([]byte(text), &ref) == nil {
			timed := 0
			for _, p := range ref.Metrics {
				if schema.InstantOf(p.Timestamp) != 0 {
					timed++
				}
			}
			if timed != len(points) {
				t.Fatalf("%q: %d points where encoding/json sees %d", text, len(points), timed)
			}
		}
	})
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
	b.Run("scanner", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		s := newScanner(nil)
		for b.Loop() {
			s.reset(bytes.NewReader(text))
			if _, err := decodeItems(pods)(s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			items := 0
			dec := json.NewDecoder(bytes.NewReader(text))
			for range 3 { // {, "items", [
				if _, err := dec.Token(); err != nil {
					b.Fatal(err)
				}
			}
			for dec.More() {
				var item reference
				if err := dec.Decode(&item); err != nil {
					b.Fatal(err)
				}
				items++
			}
			if items != pods {
				b.Fatal(items)
			}
		}
	})
}

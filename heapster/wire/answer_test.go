package wire

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"heapstash/schema"
)

// read writes an answer and reads it.
func read[T any](t *testing.T, write func(*bytes.Buffer) error, page func(*Decoder) (T, error)) T {
	t.Helper()
	var text bytes.Buffer
	if err := write(&text); err != nil {
		t.Fatal(err)
	}
	answer, err := decode(page, text.String())
	if err != nil {
		t.Fatalf("%s: %v", &text, err)
	}
	return answer
}

// Each page that is written is read as the same answer.
func TestAnswersReadBack(t *testing.T) {
	const stamp = schema.Instant(1506496140)
	points := []schema.Point{{At: stamp + 60, Value: schema.Int(-1)}, {At: stamp, Value: schema.Int(1<<53 + 1)}}
	want := func(got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v; want %+v", got, want)
		}
	}
	var written []Point
	for _, p := range points {
		written = append(written, Point{p.At.Time(), p.Value})
	}
	names := []string{"a", "b"}
	want(read(t, func(w *bytes.Buffer) error { return WriteNames(w, names) }, (*Decoder).Names), names)
	want(read(t, func(w *bytes.Buffer) error { return WriteNames[string](w, nil) }, (*Decoder).Names), []string{})
	want(read(t, func(w *bytes.Buffer) error { return WriteSeries(w, written) }, (*Decoder).Series), points)
	items := [][]Point{written, nil, written[1:]}
	want(read(t, func(w *bytes.Buffer) error { return WritePodSeries(w, items) }, PodSeries(3)), [][]schema.Point{points, nil, points[1:]})

	labels := map[string]string{"resource_id": "/dev/sda1"}
	for _, e := range []schema.Entity{
		schema.NodeEntity("n"), schema.PodEntity("", "p"), schema.ContainerEntity("", "p", "c"), schema.SystemContainerEntity("n", "kubelet"),
	} {
		set := Timeseries{Labels: ExportNames(e), Metrics: map[schema.MetricName][]TimeseriesPoint{
			"uptime":           {NewTimeseriesPoint(stamp.Time(), nil, schema.Int(-1))},
			"filesystem/usage": {NewTimeseriesPoint(stamp.Time(), labels, schema.Real(0.5))},
		}}
		set.Metrics["uptime"][0].Start = stamp.Time().Add(-time.Hour)
		var got []schema.Exported
		enabled := read(t, func(w *bytes.Buffer) error { return WriteExport(w, []Timeseries{set}) }, func(dec *Decoder) (bool, error) {
			return dec.Export(func(e schema.Exported) error { got = append(got, e); return nil })
		})
		disk := e
		disk.Labels = "resource_id:/dev/sda1"
		rows := []schema.Row{
			{Entity: e, At: stamp, Readings: []schema.Reading{{Metric: "uptime", Value: schema.Int(-1)}}},
			{Entity: disk, At: stamp, Readings: []schema.Reading{{Metric: "filesystem/usage", Value: schema.Real(0.5)}}},
		}
		if !enabled || len(got) != 1 {
			t.Fatalf("%v: got %v, %v", e, enabled, got)
		}
		want(got[0], schema.Exported{Entity: e, Node: e.Node, Hostname: e.Node, Rows: rows})
	}
	for text, all := range map[string][]Timeseries{"null\n": nil, "[]\n": {}} {
		var w bytes.Buffer
		if err := WriteExport(&w, all); err != nil || w.String() != text {
			t.Errorf("got %q, %v; want %q", &w, err, text)
		}
	}
}

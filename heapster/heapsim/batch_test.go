package heapsim_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

func TestBatchJSON(t *testing.T) {
	batch := heapsim.Batch{At: start, Sets: []heapsim.Set{{
		Entity: schema.ContainerEntity("default", "web-0", "app"),
		Since:  start.Add(-time.Hour),
		Values: map[schema.MetricName]schema.Value{
			"a": schema.Int(math.MaxInt64), "b": schema.Int(math.MinInt64), "c": schema.Real(2), "d": schema.Real(1e300),
		},
		Labelled: []heapsim.Labelled{
			{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/dev/sda1"}, Value: schema.Real(-0.5)}},
		Attributes: map[string]string{"pod_id": "1"},
	}}}
	want := `{"at":"2017-09-27T07:09:00Z","sets":[{` +
		`"entity":{"kind":"container","namespace":"default","pod":"web-0","container":"app"},"since":"2017-09-27T06:09:00Z",` +
		`"values":{"a":9223372036854775807,"b":-9223372036854775808,"c":2.0,"d":1` + strings.Repeat("0", 300) + `.0},` +
		`"labelled":[{"metric":"filesystem/usage","labels":{"resource_id":"/dev/sda1"},"value":-0.5}],` +
		`"attributes":{"pod_id":"1"}}]}`
	text, err := json.Marshal(batch)
	if err != nil || string(text) != want {
		t.Fatalf("got %s, %v\nwant %s", text, err, want)
	}
}

package clickhouse_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/schema"
)

// TestFailover: a pass goes on when the server that it talks to is killed, with another
// replica; and fails with the shard's name when a shard has none.
func TestFailover(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	address := "clickhouse://" + strings.Join(cluster.Addresses(), ",") + "/" + cluster.Database(t) + "?cluster=" + cluster.Name
	noon := schema.InstantOf(time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC))
	s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := archive.Pass{Cluster: "prod", Started: noon.Time()}
	if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	const pods = 50
	scope := schema.Scope{Kind: schema.Pod, Name: "shop"}
	batch := func(at schema.Instant) archive.Batch {
		b := archive.Batch{Pass: p.ID, Cluster: "prod", Horizon: at, Watermarks: map[schema.Scope]schema.Instant{scope: at}}
		for i := range pods {
			b.Rows = append(b.Rows, schema.Row{Entity: schema.PodEntity("shop", fmt.Sprint("p", i)), At: at, Readings: []schema.Reading{{Metric: "memory/usage", Value: schema.Int(int64(i))}}})
		}
		return b
	}
	write := func(at schema.Instant) error {
		_, err := s.Write(t.Context(), batch(at))
		return err
	}
	if err := write(noon); err != nil {
		t.Fatal(err)
	}
	cluster.Shards[0][0].Kill() // the first address
	if err := write(noon + 60); err != nil {
		t.Fatal(err)
	}
	if s.Warning() == "" {
		t.Error("no warning of the dead replica")
	}
	cluster.Shards[1][0].Kill()
	cluster.Shards[1][1].Kill()
	err = write(noon + 120)
	if err == nil || !strings.Contains(schema.HintOf(err), "shard 2 (") {
		t.Errorf("without a shard: %v (hint %s)", err, schema.HintOf(err))
	}
	for _, server := range []*clickhousetest.Server{cluster.Shards[0][0], cluster.Shards[1][0], cluster.Shards[1][1]} {
		server.Start(t)
	}
	m, err := s.Memory(t.Context(), "prod")
	if err != nil || m.Watermarks[scope] != noon+60 {
		t.Errorf("the watermarks are %v, %v", m.Watermarks, err)
	}
	if err := write(noon + 120); err != nil {
		t.Fatal(err)
	}
	if err := s.EndPass(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	for one, err := range openSamples(t, address).Series(t.Context(), archive.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for range one.Samples {
			n++
		}
	}
	if n != 3*pods {
		t.Errorf("%d samples, want %d", n, 3*pods)
	}
}

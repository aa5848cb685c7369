package clickhouse_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/query"
	"heapstash/schema"
)

// TestMissingShard: without a shard, each question is an error that names it. When the
// shard is back, the answers are as before.
func TestMissingShard(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	// The second shard goes, so the first address answers.
	address := "clickhouse://" + strings.Join(cluster.Addresses(), ",") + "/" + cluster.Database(t) + "?cluster=" + cluster.Name
	s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const noon = 1506513600
	p := archive.Pass{Cluster: "prod", Started: schema.Instant(noon).Time()}
	if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	const pods = 40
	b := archive.Batch{Pass: p.ID, Cluster: "prod", Horizon: noon}
	for i := range pods {
		e := schema.PodEntity("shop", fmt.Sprint("web-", i))
		b.Rows = append(b.Rows, schema.Row{Entity: e, At: noon, Readings: []schema.Reading{{Metric: "memory/usage", Value: schema.Int(1)}, {Metric: "custom/x", Value: schema.Int(1)}}})
	}
	if _, err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := clickhouse.OpenReader(t.Context(), address, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	memory, _ := schema.Lookup("memory/usage")
	q := query.Query{Metric: memory, Kind: schema.Pod, By: []string{"cluster"}, Aggs: []query.Agg{query.Count}, From: noon, To: noon + 60}
	plan, _, err := query.Ask(t.Context(), r, q)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := r.OpenSamples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	questions := map[string]func() (int, error){
		"an answer": func() (n int, err error) {
			err = r.Answer(t.Context(), plan, func(row query.Row) error {
				n = int(row.Values[0].(int64))
				return nil
			})
			return n, err
		},
		"the coverage": func() (int, error) {
			c, err := r.Coverage(t.Context(), q)
			return c.Entities, err
		},
		"names": func() (int, error) {
			names, err := r.Names(t.Context(), q, "pod")
			return len(names), err
		},
		"series": func() (n int, err error) {
			for series, err := range samples.Series(t.Context(), archive.Selection{Metrics: []string{"memory/usage"}}) {
				if err != nil {
					return n, err
				}
				for range series.Samples {
					n++
				}
			}
			return n, nil
		},
		"the status": func() (int, error) {
			status, err := r.Status(t.Context())
			if err != nil {
				return 0, err
			}
			return status.Kinds[0].Entities, nil
		},
		"a view": func() (n int, err error) {
			err = r.Select(t.Context(), "SELECT pod FROM pod", func([]string) error { return nil }, func([]any) error { n++; return nil })
			return n, err
		},
	}
	for name, ask := range questions {
		if n, err := ask(); n != pods || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, n, err, pods)
		}
	}
	for _, server := range cluster.Shards[1] {
		server.Kill()
	}
	for name, ask := range questions {
		if n, err := ask(); err == nil || !strings.Contains(schema.HintOf(err), "shard 2") {
			t.Errorf("%s without a shard: %d, %v, hint %q", name, n, err, schema.HintOf(err))
		}
	}
	for _, server := range cluster.Shards[1] {
		server.Start(t)
	}
	// A replica that has just begun does not know whether it is behind: that is an error.
	for name, ask := range questions {
		n, err := ask()
		for deadline := time.Now().Add(time.Minute); err != nil && conn.MayPass(err) && time.Now().Before(deadline); n, err = ask() {
		}
		if n != pods || err != nil {
			t.Errorf("%s with the shard again: %d, %v, want %d", name, n, err, pods)
		}
	}
}

package clickhouse_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/schema"
)

// TestRivals: two passes of one cluster at once, each of which has other samples of the
// same rows, lose none of them, if no merge drops the row of one before the other one has
// read it. RELIABILITY.md tells of that case.
func TestRivals(t *testing.T) {
	server := clickhousetest.Start(t)
	server.Exec(t, "SYSTEM STOP MERGES")
	address := "clickhouse://" + server.Address + "/" + server.Database(t)
	noon := schema.InstantOf(time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC))
	metrics := schema.CommonMetricsOf(schema.Pod)
	want := make(map[string]int)
	var group sync.WaitGroup
	var mu sync.Mutex
	for rival := range uint64(2) {
		s, err := clickhouse.Open(t.Context(), address, clickhouse.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		random := rand.New(rand.NewPCG(rival, 5))
		group.Go(func() {
			for pass := range schema.Instant(4) {
				p := archive.Pass{Cluster: "prod", Started: noon.Time()}
				if p.ID, err = s.BeginPass(t.Context(), p); err != nil {
					t.Error(err)
					return
				}
				for range 5 {
					b := archive.Batch{Pass: p.ID, Cluster: "prod", Horizon: noon + 60*pass}
					for range 20 {
						row := schema.Row{Entity: schema.PodEntity("shop", fmt.Sprint("p", random.IntN(10))), At: noon + 60*pass}
						for range 3 {
							i := random.IntN(len(metrics))
							value := schema.Int(int64(i))
							row.Readings = append(row.Readings, schema.Reading{Metric: metrics[i].Name, Value: value})
							mu.Lock()
							want[fmt.Sprint(row.Entity.Pod, " ", row.At, " ", metrics[i].Name)] = i
							mu.Unlock()
						}
						b.Rows = append(b.Rows, row)
					}
					if _, err := s.Write(t.Context(), b); err != nil {
						t.Error(err)
						return
					}
				}
				if err := s.EndPass(t.Context(), p, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	r := openSamples(t, address)
	for one, err := range r.Series(t.Context(), archive.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for sample := range one.Samples {
			key := fmt.Sprint(one.Entity.Pod, " ", sample.At, " ", one.Columns[sample.Column].Metric)
			i, ok := want[key]
			if !ok || sample.Value != schema.Int(int64(i)) {
				t.Errorf("%s is %v, want %d, %t", key, sample.Value, i, ok)
			}
			delete(want, key)
		}
	}
	for key := range want {
		t.Errorf("%s is lost", key)
	}
}

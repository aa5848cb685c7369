package clickhouse_test

import (
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/schema"
)

// BenchmarkWrite writes a minute's batch of a large cluster, a namespace's worth of pods at
// a time, as a pass does.
func BenchmarkWrite(b *testing.B) {
	for _, pods := range []int{10_000, 150_000} {
		b.Run(fmt.Sprint(pods, " pods"), func(b *testing.B) {
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(400 << 20))
			server := clickhousetest.Start(b)
			s, err := clickhouse.Open(b.Context(), "clickhouse://"+server.Address+"/large", clickhouse.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			samples := 0
			at := schema.InstantOf(time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC))
			for b.Loop() {
				p := archive.Pass{Cluster: "c", Started: at.Time()}
				if p.ID, err = s.BeginPass(b.Context(), p); err != nil {
					b.Fatal(err)
				}
				at += 60
				for first := 0; first < pods; first += 5000 {
					w, err := s.Write(b.Context(), minute(p.ID, at, first, 5000))
					if err != nil {
						b.Fatal(err)
					}
					samples += w.New
				}
				if err := s.EndPass(b.Context(), p, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(samples)/b.Elapsed().Seconds(), "samples/s")
			b.ReportMetric(float64(samples)/float64(b.N), "samples/op")
			b.ReportMetric(peak(b), "peak-MB")
		})
	}
}

// minute is a batch of pods with two containers each.
func minute(pass archive.PassID, at schema.Instant, first, n int) archive.Batch {
	b := archive.Batch{Pass: pass, Cluster: "c", Horizon: at, Seen: at}
	add := func(e schema.Entity, seed int) {
		row := schema.Row{Entity: e, At: at}
		for i, m := range schema.CommonMetricsOf(e.Kind) {
			row.Readings = append(row.Readings, schema.Reading{Metric: m.Name, Value: schema.Int(int64(seed*i) + int64(at)%997)})
		}
		b.Rows = append(b.Rows, row)
	}
	for i := first; i < first+n; i++ {
		namespace, pod := fmt.Sprint("team-", i/500), fmt.Sprint("service-", i%500, "-7d4b9c6f5-x2x9z")
		add(schema.PodEntity(namespace, pod), i)
		for _, c := range []string{"app", "proxy"} {
			add(schema.ContainerEntity(namespace, pod, c), i)
		}
	}
	return b
}

// peak returns the most memory that this process has had, in megabytes.
func peak(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	kb, err := strconv.ParseFloat(string(regexp.MustCompile(`VmHWM:\s+(\d+)`).FindSubmatch(text)[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb / 1000
}

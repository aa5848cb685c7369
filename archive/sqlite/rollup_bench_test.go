package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// BenchmarkRollup closes an hour of 300 pods: it moves the rows, and rolls them
// up.
func BenchmarkRollup(b *testing.B) {
	cluster := heapsim.NewCluster(podsOnly(300, 10, 10))
	var rows []schema.Row
	for minute := range 60 {
		rows = append(rows, shown(cluster.Next(noon.Add(time.Duration(minute)*time.Minute).Time()))...)
	}
	for b.Loop() {
		b.StopTimer()
		s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "a.db"), sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		id, err := s.BeginPass(b.Context(), archive.Pass{Cluster: "default"})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Write(b.Context(), archive.Batch{Pass: id, Cluster: "default", Rows: rows}); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := upkeep.CompactSome(b.Context(), s.Writer, noon.Add(2*time.Hour)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(len(rows)), "µs/row")
}

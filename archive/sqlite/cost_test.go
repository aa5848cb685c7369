package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// cost is what an archive costs.
type cost struct {
	samples int64
	passes  int64
	size    int64 // that the file has grown by from when it was empty, in bytes
	written int64 // bytes given to write calls: -wal, checkpoints, everything
}

func (c cost) perSample() float64 { return float64(c.size) / float64(c.samples) }
func (c cost) perPass() float64   { return float64(c.written) / float64(c.passes) }

// archiveCluster stores so many batches of a generated cluster, a minute
// apart, each as a pass of a process of its own does: it opens the archive,
// reads what it remembers, writes, compacts when an hour is due, and closes
// the archive. Every batch is written with the one before, as a pass that asks
// with an overlap does.
func archiveCluster(tb testing.TB, options heapsim.ClusterOptions, batches int) cost {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "a.db")
	cluster := heapsim.NewCluster(options)
	writePass(tb, path, noon, nil)
	c := cost{passes: int64(batches), size: -fileSize(tb, path)}
	var before []schema.Row
	written := bytesWritten(tb)
	for i := range batches {
		at := noon.Add(time.Duration(i) * time.Minute)
		rows := shown(cluster.Next(at.Time()))
		for _, r := range rows {
			c.samples += int64(len(r.Readings))
		}
		writePass(tb, path, at, append(before, rows...))
		before = rows
	}
	c.written = bytesWritten(tb) - written
	c.size += fileSize(tb, path)
	return c
}

func fileSize(tb testing.TB, path string) int64 {
	tb.Helper()
	info, err := os.Stat(path)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}

func writePass(tb testing.TB, path string, at schema.Instant, rows []schema.Row) {
	tb.Helper()
	ctx := tb.Context()
	s, err := sqlite.Open(ctx, path, sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	pass := archive.Pass{Cluster: "default", Started: at.Time()}
	if pass.ID, err = s.BeginPass(ctx, pass); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Memory(ctx, "default"); err != nil {
		tb.Fatal(err)
	}
	marks := make(map[schema.Scope]schema.Instant)
	for _, r := range rows {
		marks[r.Entity.Scope()] = at
	}
	batch := archive.Batch{Pass: pass.ID, Cluster: "default", Rows: rows, Watermarks: marks, Horizon: at}
	if _, err := s.Write(ctx, batch); err != nil {
		tb.Fatal(err)
	}
	if _, err := upkeep.CompactSome(ctx, s.Writer, at); err != nil {
		tb.Fatal(err)
	}
	pass.Finished, pass.Outcome = at.Time(), archive.OutcomeComplete
	if err := s.EndPass(ctx, pass, nil); err != nil {
		tb.Fatal(err)
	}
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// shown is a batch as the model API shows it: floats are cut to integers.
func shown(b heapsim.Batch) []schema.Row {
	rows := make([]schema.Row, 0, len(b.Sets))
	for _, set := range b.Sets {
		row := schema.Row{Entity: set.Entity, At: schema.InstantOf(b.At)}
		for m, v := range set.Values {
			if _, isInt := v.Int64(); !isInt {
				v = schema.Int(int64(v.Float64()))
			}
			row.Readings = append(row.Readings, schema.Reading{Metric: m, Value: v})
		}
		rows = append(rows, row)
		for _, l := range set.Labelled {
			of := set.Entity
			of.Labels = fmt.Sprint(l.Labels) // any spelling will do
			rows = append(rows, schema.Row{Entity: of, At: row.At, Readings: []schema.Reading{{Metric: l.Metric, Value: l.Value}}})
		}
	}
	return rows
}

// bytesWritten is what the process has given to write calls so far.
func bytesWritten(tb testing.TB) int64 {
	tb.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		tb.Fatal(err)
	}
	var n int64
	for line := range strings.Lines(string(io)) {
		if _, err := fmt.Sscanf(line, "wchar: %d", &n); err == nil {
			return n
		}
	}
	tb.Fatalf("no wchar in %s", io)
	return 0
}

// podsOnly is what a pass reads: no containers, nothing labelled.
func podsOnly(pods, namespaces, nodes int) heapsim.ClusterOptions {
	return heapsim.ClusterOptions{
		Seed: 1, Pods: pods, Namespaces: namespaces, Nodes: nodes,
		NoContainers: true, NoSystemContainers: true, NoFilesystems: true, NoDisks: true, NoAccelerators: true,
	}
}

// TestCost holds the bytes, which are exact, for a cluster small enough to
// test. BenchmarkDay does it at size.
func TestCost(t *testing.T) {
	c := archiveCluster(t, podsOnly(100, 8, 5), 200)
	t.Logf("%d samples: %.2f bytes a sample, %.0f bytes written a pass", c.samples, c.perSample(), c.perPass())
	if c.perSample() > 4.9 {
		t.Errorf("%.2f bytes a sample", c.perSample())
	}
	if perSample := float64(c.written) / float64(c.samples); perSample > 85 {
		t.Errorf("%.1f bytes written a sample", perSample)
	}
}

// TestDecade holds what ten years of daily rows of a thousand pods take: a real
// day of some pods, stored again as the days of a year, one after the other.
func TestDecade(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	const pods = 15
	cluster := heapsim.NewCluster(podsOnly(pods, 2, 2))
	midnight := noon - noon%86400
	for range 24 {
		var rows []schema.Row
		for range 60 {
			rows = append(rows, shown(cluster.Next(midnight.Time()))...)
			midnight = midnight.Add(time.Minute)
		}
		write(t, s, rows...)
	}
	rollAll(t, s, path, midnight.Add(2*time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	columns := stock(t, path, "SELECT group_concat(name, ', ') FROM pragma_table_info('pod_day') WHERE name NOT IN ('entity_id', 'ts')")
	if got := stock(t, path, "SELECT count(*), min(samples) FROM pod_day"); got != fmt.Sprintf("%d|1440", pods) {
		t.Fatalf("days, and samples of each: %s", got)
	}
	shell(t, path, strings.ReplaceAll(`
		CREATE TEMP TABLE one AS SELECT * FROM pod_day;
		INSERT INTO pod_day (entity_id, ts, COLUMNS) SELECT entity_id + pod.value * 1000, ts + day.value * 86400, COLUMNS
			FROM one, generate_series(0, 9) pod, generate_series(1, 365) day ORDER BY day.value, 1`, "COLUMNS", columns))
	size := stock(t, path, "SELECT (SELECT sum(pgsize) FROM dbstat WHERE name = 'pod_day') * 3652500.0 / count(*) / 1e9 FROM pod_day")
	var gigabytes float64
	if _, err := fmt.Sscan(size, &gigabytes); err != nil || gigabytes > 1 {
		t.Errorf("a decade of a thousand pods would take %s GB, %v", size, err)
	}
	t.Logf("a decade of a thousand pods would take %.2f GB", gigabytes)
}

// BenchmarkDay archives 24 hours.
func BenchmarkDay(b *testing.B) {
	for name, options := range map[string]heapsim.ClusterOptions{
		"pods of 1000": podsOnly(1000, 40, 50),
		"all of 20":    {Seed: 1, Pods: 20, Namespaces: 4, Nodes: 3},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c := archiveCluster(b, options, 24*60)
				b.ReportMetric(c.perSample(), "B/sample")
				b.ReportMetric(c.perPass()/1e6, "MB-written/pass")
				b.ReportMetric(float64(c.samples)/float64(c.passes), "samples/pass")
				b.ReportMetric(float64(c.size)/1e6, "MB/day")
				b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(c.passes), "ms/pass")
			}
		})
	}
}

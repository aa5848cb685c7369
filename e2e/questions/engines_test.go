//go:build linux

package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	_ "github.com/duckdb/duckdb-go/v2" // the driver "duckdb"

	"heapstash/archive"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/export"
	"heapstash/archive/lake"
	"heapstash/archive/sqlite"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

var (
	podsFlag      = flag.Int("pods", 10_000, "the number of pods")
	hoursFlag     = flag.Int("hours", 24, "the number of hours with a row a minute")
	largeFlag     = flag.Int("large", 150_000, "the number of pods of a minute that is written in little memory")
	clusterPasses = flag.Int("cluster-passes", 30, "the number of passes into the cluster of 2x2")
	askedFlag     = flag.Int("asked", 5, "how often each question is asked")
	memoryFlag    = flag.Float64("memory", 512, "the most memory of a pass of -large pods, in MB")
)

// engines returns SQLite, a ClickHouse server, and a ClickHouse cluster of 2 shards with 2
// replicas each, with empty archives.
func engines(b *testing.B) []*engine {
	b.Helper()
	if b.N > 1 {
		b.Fatal("use -benchtime 1x")
	}
	path := filepath.Join(b.TempDir(), "bench.db")
	store, err := sqlite.Open(b.Context(), path, sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	file := &engine{name: "SQLite", store: store, path: path}
	b.Cleanup(file.close)
	single := clickhousetest.Start(b)
	cluster := clickhousetest.StartCluster(b, clickhousetest.Options{})
	all := cluster.Servers()
	return []*engine{
		file,
		overServers(b, "ClickHouse", "clickhouse://"+single.Address+"/bench", single),
		overServers(b, "ClickHouse 2x2", "clickhouse://"+strings.Join(cluster.Addresses(), ",")+"/bench?cluster="+cluster.Name, all...),
	}
}

func overServers(b *testing.B, name, address string, servers ...*clickhousetest.Server) *engine {
	b.Helper()
	e := &engine{name: name, path: address}
	for _, s := range servers {
		e.servers = append(e.servers, s.PID())
	}
	store, err := clickhouse.Open(b.Context(), address, clickhouse.Options{})
	if err != nil {
		b.Fatal(err)
	}
	e.store = store
	b.Cleanup(e.close)
	return e
}

// begin is the hour in which the first pass is made.
func begin() schema.Instant {
	midnight := schema.InstantOf(time.Date(2018, 7, 1, 0, 0, 0, 0, time.UTC))
	return midnight.Add(-time.Duration(*hoursFlag) * time.Hour)
}

// BenchmarkMinute writes two minutes of a cluster of -large pods with two containers each,
// 5000 pods at a time, and fails if this needs too much memory. The second minute counts.
func BenchmarkMinute(b *testing.B) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(360 << 20))
	t := table(fmt.Sprintf("a minute of %d pods with two containers each, in a process with GOMEMLIMIT=360MiB", *largeFlag),
		"engine\trows\tsamples\ts\tCPU s\tof servers\tpeak MB\tof servers")
	for _, e := range engines(b) {
		for minute := range 2 {
			debug.FreeOSMemory()
			if err := forgetPeak(); err != nil {
				b.Fatal(err)
			}
			e.written = spent{}
			at := begin().Add(time.Duration(minute) * time.Minute)
			if err := e.pass(b.Context(), at, minuteOf(*largeFlag, at)); err != nil {
				b.Fatal(err)
			}
		}
		own, servers, err := e.peaks()
		if err != nil {
			b.Fatal(err)
		}
		e.close() // its memory of the entities does not count for the next engine
		w := e.written
		fmt.Fprintf(t, "%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t\n", e.name, w.rows, w.samples, w.wall.Seconds(), w.own.Seconds(), w.servers.Seconds(), own, servers)
		if own > *memoryFlag {
			b.Errorf("%s: %.0f MB, more than %.0f", e.name, own, *memoryFlag)
		}
	}
	t.Flush()
}

// minuteOf yields a batch for every 5000 pods. A namespace has 500.
func minuteOf(pods int, at schema.Instant) iter.Seq[[]schema.Row] {
	return func(yield func([]schema.Row) bool) {
		for first := 0; first < pods; first += 5000 {
			var rows []schema.Row
			for i := first; i < min(first+5000, pods); i++ {
				namespace := fmt.Sprintf("team-%d", i/500)
				pod := fmt.Sprintf("service-%d-7d4b9c6f5-x2x9z", i)
				for _, e := range []schema.Entity{schema.PodEntity(namespace, pod), schema.ContainerEntity(namespace, pod, "app"), schema.ContainerEntity(namespace, pod, "proxy")} {
					row := schema.Row{Entity: e, At: at}
					for n, m := range schema.CommonMetricsOf(e.Kind) {
						row.Readings = append(row.Readings, schema.Reading{Metric: m.Name, Value: schema.Int(int64(i*n) + int64(at)%997)})
					}
					rows = append(rows, row)
				}
			}
			if !yield(rows) {
				return
			}
		}
	}
}

// BenchmarkEngines writes the passes of a generated cluster into each engine, in turns.
// Then it asks SQLite, ClickHouse, and DuckDB over a lake, the questions, and compares the
// answers.
func BenchmarkEngines(b *testing.B) {
	all := engines(b)
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{
		Seed: 1, Pods: *podsFlag, Namespaces: 40, Nodes: max(1, *podsFlag/20),
		NoContainers: true, NoSystemContainers: true, NoFilesystems: true, NoDisks: true, NoAccelerators: true,
	})
	// A server merges after a pass, too.
	before := make([]spent, len(all))
	for i, e := range all {
		var err error
		if before[i], err = e.clock(); err != nil {
			b.Fatal(err)
		}
	}
	// Half an hour more, so that the last hour closes.
	for minute := range *hoursFlag*60 + 30 {
		at := begin().Add(time.Duration(minute) * time.Minute)
		var rows []schema.Row
		for _, set := range cluster.Next(at.Time()).Sets {
			if set.Entity.Kind == schema.Pod {
				rows = append(rows, shown(set, at))
			}
		}
		for i, e := range all {
			if i == 2 && minute >= *clusterPasses {
				continue
			}
			if err := e.pass(b.Context(), at, slices.Values([][]schema.Row{rows})); err != nil {
				b.Fatal(err)
			}
		}
	}
	for i, e := range all {
		now, err := e.clock()
		if err != nil {
			b.Fatal(err)
		}
		e.written.servers = now.servers - before[i].servers
	}
	dir := filepath.Join(b.TempDir(), "lake")
	if err := prepare(b.Context(), all, dir); err != nil {
		b.Fatal(err)
	}
	if err := printWrites(b.Context(), all, dir); err != nil {
		b.Fatal(err)
	}
	readers, stop, err := asked(b.Context(), all, dir)
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	pod := cluster.Pods()[0]
	who := subject{namespace: pod.Namespace, pod: pod.Pod}
	if err := compareEngines(b.Context(), readers, who.questions()); err != nil {
		b.Fatal(err)
	}
}

// shown has the set's values as the model API shows them: floats are cut to integers.
func shown(set heapsim.Set, at schema.Instant) schema.Row {
	row := schema.Row{Entity: set.Entity, At: at}
	for m, v := range set.Values {
		if _, isInteger := v.Int64(); !isInteger {
			v = schema.Int(int64(v.Float64()))
		}
		row.Readings = append(row.Readings, schema.Reading{Metric: m, Value: v})
	}
	return row
}

// prepare rolls the file up, merges the servers' parts, and exports the lake.
func prepare(ctx context.Context, all []*engine, dir string) error {
	now := begin().Add(time.Duration(*hoursFlag)*time.Hour + 29*time.Minute)
	if err := all[0].store.(*sqlite.Store).Settle(ctx, now); err != nil {
		return err
	}
	reader, err := sqlite.OpenReader(ctx, all[0].path)
	if err != nil {
		return err
	}
	defer reader.Close()
	samples, err := reader.OpenSamples(ctx)
	if err != nil {
		return err
	}
	defer samples.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err = export.WriteParquet(ctx, lake.Open(dir, 0o644), samples, archive.Selection{}, export.Options{})
	return err
}

func table(title, header string) *tabwriter.Writer {
	fmt.Printf("\n%s\n\n", title)
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, header+"\t")
	return t
}

func printWrites(ctx context.Context, all []*engine, dir string) error {
	t := table(fmt.Sprintf("passes of %d pods, a minute each, without containers", *podsFlag),
		"engine\tpasses\trows\trows/s\tsamples/s\tCPU s\tof servers\tCPU, ratio\tB/sample")
	for _, e := range all {
		size, err := e.bytes(ctx)
		if err != nil {
			return err
		}
		w, first := e.written, all[0].written
		perPass := func(s spent) float64 { return s.cpu().Seconds() / float64(s.passes) }
		fmt.Fprintf(t, "%s\t%d\t%d\t%.0f\t%.0f\t%.1f\t%.1f\t%.2f\t%.2f\t\n", e.name, w.passes, w.rows, float64(w.rows)/w.wall.Seconds(), float64(w.samples)/w.wall.Seconds(),
			w.own.Seconds(), w.servers.Seconds(), perPass(w)/perPass(first), float64(size)/float64(w.samples))
	}
	var size int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	})
	fmt.Fprintf(t, "Parquet\t\t\t\t\t\t\t\t%.2f\t\n", float64(size)/float64(all[0].written.samples))
	return errors.Join(err, t.Flush())
}

// asked returns the engines with their ways of asking: SQLite, ClickHouse, and DuckDB over
// the lake.
func asked(ctx context.Context, all []*engine, dir string) (readers []*engine, stop func(), err error) {
	file, err := sqlite.OpenReader(ctx, all[0].path)
	if err != nil {
		return nil, nil, err
	}
	server, err := clickhouse.OpenReader(ctx, all[1].path, conn.Options{})
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	duck, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, nil, errors.Join(err, file.Close(), server.Close())
	}
	all[0].ask = func(ctx context.Context, statement string, keys int) (answer, error) {
		rows, err := file.Query(ctx, statement)
		if err != nil {
			return nil, err
		}
		return parseRows(rows, keys)
	}
	all[1].ask = func(ctx context.Context, statement string, keys int) (answer, error) {
		a := make(answer)
		return a, server.Select(ctx, statement, func([]string) error { return nil }, func(row []any) error { return a.add(row, keys) })
	}
	overLake := &engine{name: "DuckDB over Parquet", ask: func(ctx context.Context, statement string, keys int) (answer, error) {
		rows, err := duck.QueryContext(ctx, statement)
		if err != nil {
			return nil, err
		}
		return parseRows(rows, keys)
	}}
	all[0].statement = func(q question, r span) string { return q.sql(r) }
	all[1].statement = func(q question, r span) string { return q.scan(clickhouseSQL, r) }
	overLake.statement = func(q question, r span) string { return q.scan(lakeSQL(dir), r) }
	stop = func() { _ = errors.Join(file.Close(), server.Close(), duck.Close()) }
	return []*engine{all[0], all[1], overLake}, stop, nil
}

// compareEngines asks each question in turns. The first time warms caches, and compares
// the answers.
func compareEngines(ctx context.Context, all []*engine, questions []question) error {
	t := table(fmt.Sprintf("questions over %d hours of %d pods, medians of %d, warm; CPU is the mean, with the server's", *hoursFlag, *podsFlag, *askedFlag),
		"question\tengine\tanswer's rows\tms\tratio\tCPU ms\tratio")
	r := span{end: begin().Time().Add(time.Duration(*hoursFlag) * time.Hour), days: (*hoursFlag + 23) / 24}
	for _, q := range questions {
		runs, cpu := make([]series, len(all)), make([]time.Duration, len(all))
		var rows int
		var first answer
		for round := range *askedFlag + 1 {
			for i, e := range all {
				var a answer
				took, err := e.during(func() (err error) {
					a, err = e.ask(ctx, e.statement(q, r), q.keys)
					return err
				})
				if err != nil {
					return err
				}
				if round > 0 {
					runs[i], cpu[i] = append(runs[i], taken{wall: took.wall}), cpu[i]+took.cpu()
					continue
				}
				if i == 0 {
					first, rows = a, len(a)
				}
				if _, differ, err := compare(first, a); err != nil || len(differ) > 0 || rows == 0 {
					return fmt.Errorf("%s: %s differs in %d of %d rows: %q: %w", q.name, e.name, len(differ), rows, differ, err)
				}
			}
		}
		for i, e := range all {
			fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%.2f\t%s\t%.2f\t\n", q.name, e.name, rows,
				ms(runs[i].wall()), float64(runs[i].wall())/float64(runs[0].wall()), ms(cpu[i]/time.Duration(*askedFlag)), float64(cpu[i])/float64(cpu[0]))
		}
	}
	return t.Flush()
}

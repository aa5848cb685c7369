package engine

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/query/querytest"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/cmd/heapstash/config"
	"heapstash/schema"
)

// fill makes an archive of the hours.
func fill(t *testing.T, path string, hours []querytest.Hour) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pass, err := store.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	for _, hour := range hours {
		for _, batch := range hour.Batches {
			batch.Pass = pass
			if _, err := store.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := store.Upkeep(t.Context(), hour.End); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// ship returns readers of an archive with all hours, and of one whose raw rows are in the
// lake except those that the retention keeps.
func ship(t *testing.T, hours []querytest.Hour, keep archive.Retention) (whole, shipped Reader) {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.DBFile = filepath.Join(dir, "whole.db")
	fill(t, cfg.DBFile, hours)
	whole, err := Read(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { whole.Close() })

	data, err := os.ReadFile(cfg.DBFile)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DBFile, cfg.Archive.Lake = filepath.Join(dir, "a.db"), filepath.Join(dir, "lake")
	if err := os.WriteFile(cfg.DBFile, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(cfg.Archive.Lake, 0o700); err != nil {
		t.Fatal(err)
	}
	opts := FileOptionsOf(cfg)
	opts.Retention = keep
	pruned, err := upkeep.Prune(t.Context(), cfg.DBFile, opts, hours[len(hours)-1].End.Time())
	if err != nil || pruned.AllRows() == 0 {
		t.Fatal(pruned, err)
	}
	file, err := ReadFile(t.Context(), cfg.DBFile)
	if err != nil {
		t.Fatal(err)
	}
	both := &lakeReader{File: file, cfg: cfg, dir: t.TempDir(), excerpts: make(map[schema.MetricName]excerpt)}
	t.Cleanup(func() {
		if err := both.close(); err != nil {
			t.Error(err)
		}
		file.Close()
	})
	return whole, both
}

// same asks both archives the query of raw rows. It fails the test unless the answers, and
// the begins of the ranges, are equal.
func same(t *testing.T, whole, shipped Reader, q query.Query) querytest.Table {
	t.Helper()
	raw := q
	raw.Level = archive.Raw
	var answers [2]querytest.Table
	var begins [2]schema.Instant
	for i, asked := range []struct {
		Reader
		query.Query
	}{{whole, raw}, {shipped, q}} {
		p, _, err := query.Ask(t.Context(), asked.Reader, asked.Query)
		if err != nil {
			answers[i] = querytest.Table{err.Error(): nil}
			continue
		}
		if answers[i], err = querytest.Answer(t.Context(), asked.Reader, p); err != nil {
			t.Fatal(err)
		}
		begins[i] = p.Range.From
	}
	if begins[0] != begins[1] || !maps.EqualFunc(answers[0], answers[1], func(a, b map[query.Agg]schema.Value) bool { return maps.EqualFunc(a, b, querytest.Same) }) {
		t.Errorf("%+v\nfrom %v: %v\nwant from %v: %v", q, begins[1], answers[1], begins[0], answers[0])
	}
	return answers[1]
}

// Answers with the lake are those that the raw rows would give if they had stayed.
func TestAnswersWithLake(t *testing.T) {
	const seed = 7
	hours := querytest.Generate(seed, 3)
	world := querytest.WorldOf(hours)
	whole, shipped := ship(t, hours, archive.Retention{archive.Raw: map[schema.Kind]time.Duration{
		schema.Cluster: 24 * time.Hour, schema.Node: 48 * time.Hour, schema.Namespace: 24 * time.Hour, schema.Pod: 24 * time.Hour, schema.Container: 72 * time.Hour,
	}})
	random := rand.New(rand.NewPCG(seed, 13))
	rows := 0
	for range 50 {
		q := querytest.RandomQuery(random)
		clear(shipped.(*lakeReader).excerpts) // another command
		if _, err := world.Judge(t.Context(), shipped, q); err != nil {
			t.Fatal(err)
		}
		rows += len(same(t, whole, shipped, q))
	}
	if rows < 200 {
		t.Errorf("%d rows are compared", rows)
	}
}

// A counter grew since its sample before the range, however old that is and wherever it
// is: in the lake, or in the archive for a kind whose raw rows stay.
func TestGrowthBeginsInTheLake(t *testing.T) {
	const day = 24 * 3600
	begin := archive.Daily.Begin(querytest.Begin)
	var hours []querytest.Hour
	add := func(at schema.Instant, rows ...schema.Row) {
		for i := range rows {
			rows[i].At = at
		}
		hours = append(hours, querytest.Hour{End: at + 4000, Batches: []archive.Batch{{Cluster: "default", Horizon: at, Rows: rows}}})
	}
	row := func(e schema.Entity, n int64) schema.Row {
		return schema.Row{Entity: e, Readings: []schema.Reading{{Metric: "network/rx", Value: schema.Int(n)}, {Metric: "custom/served", Value: schema.Int(2 * n)}}}
	}
	old, steady, young := schema.PodEntity("shop", "old"), schema.PodEntity("shop", "steady"), schema.PodEntity("shop", "young")
	app := schema.ContainerEntity("shop", "old", "app")
	served := func(n int64) schema.Row {
		return schema.Row{Entity: app, Readings: []schema.Reading{{Metric: "cpu/usage", Value: schema.Int(n)}}}
	}
	add(begin, row(old, 100), row(steady, 1), served(1000))
	for n := range 11 {
		add(begin+schema.Instant(day*n)+7200, row(steady, int64(n)+2))
	}
	add(begin+12*day, row(old, 170), row(steady, 50), row(young, 5), served(1500))
	add(begin+12*day+600, row(old, 175), row(steady, 57), row(young, 9), served(1600))
	add(begin+30*day, row(steady, 60), served(1700))

	for name, keep := range map[string]archive.Retention{
		"days stay": {archive.Raw: {schema.Pod: day * time.Second}},
		"days go":   {archive.Raw: {schema.Pod: day * time.Second}, archive.Hourly: {schema.Pod: day * time.Second}, archive.Daily: {schema.Pod: day * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			whole, shipped := ship(t, hours, keep)
			for metric, kind := range map[schema.MetricName]schema.Kind{"network/rx": schema.Pod, "custom/served": schema.Pod, "cpu/usage": schema.Container} {
				m, known := schema.Lookup(metric)
				if !known {
					m.Name = metric
				}
				q := query.Query{Metric: m, Kind: kind, Aggs: []query.Agg{query.Increase, query.Rate}, From: begin + 12*day - 600, To: begin + 13*day}
				for _, q.Step = range []time.Duration{0, time.Hour} {
					got := same(t, whole, shipped, q)
					want := map[schema.MetricName]string{"network/rx": "75", "custom/served": "150", "cpu/usage": "600"}[metric]
					found := ""
					for key, row := range got {
						if key[:min(len(key), 16)] == "default|shop|old"[:min(len(key), 16)] {
							found = fmt.Sprint(row[query.Increase])
						}
					}
					if found != want {
						t.Errorf("%s grew by %s, want %s: %v", metric, found, want, got)
					}
				}
			}
		})
	}
}

// No answer and no copy lacks a day that the archive noted and the lake lost.
func TestLostDay(t *testing.T) {
	whole, shipped := ship(t, querytest.Generate(7, 3), archive.Retention{archive.Raw: map[schema.Kind]time.Duration{schema.Pod: 24 * time.Hour}})
	cfg := shipped.(*lakeReader).cfg
	read := func() (last error) {
		source, err := OpenSource(t.Context(), cfg, true)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		for _, last = range source.Series(t.Context(), archive.Selection{}) {
		}
		return last
	}
	q := query.Query{Kind: schema.Pod, Aggs: []query.Agg{query.Max}, From: querytest.Begin, To: querytest.Begin + 24*3600}
	q.Metric, _ = schema.Lookup("memory/usage")
	same(t, whole, shipped, q)
	if err := read(); err != nil {
		t.Error(err)
	}
	clear(shipped.(*lakeReader).excerpts)
	days, err := filepath.Glob(filepath.Join(cfg.Archive.Lake, "kind=pod", "*", "*"))
	if err != nil || len(days) == 0 {
		t.Fatal(days, err)
	}
	if err := os.RemoveAll(days[0]); err != nil {
		t.Fatal(err)
	}
	if err := read(); err == nil || !strings.Contains(err.Error(), cfg.Archive.Lake+": no files of ") || !strings.Contains(schema.HintOf(err), "mounted") {
		t.Errorf("copy: %v, hint %q", err, schema.HintOf(err))
	}
	if _, _, err := query.Ask(t.Context(), shipped, q); err == nil || !strings.Contains(err.Error(), cfg.Archive.Lake+": no files of ") || !strings.Contains(schema.HintOf(err), "mounted") {
		t.Errorf("query: %v, hint %q", err, schema.HintOf(err))
	}
}

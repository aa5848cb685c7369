package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/internal/need"
	"heapstash/schema"
)

// A copy that is killed at any moment goes on when it is made again.
func TestKilledCopy(t *testing.T) {
	home := t.TempDir()
	from, to := filepath.Join(home, "from.db"), filepath.Join(home, "to.db")
	longArchive(t, from)
	copyKilled(t, from, to)
	sameArchive(t, from, to)
}

// TestKilledCopyThroughClickHouse is the same into ClickHouse, and from there to a file.
func TestKilledCopyThroughClickHouse(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute: make check runs it")
	}
	server := clickhousetest.Start(t)
	address := "clickhouse://" + server.Address + "/copied"
	home := t.TempDir()
	from, to := filepath.Join(home, "from.db"), filepath.Join(home, "to.db")
	longArchive(t, from)
	copyKilled(t, from, address)
	want := need.SQLite(t, from, "SELECT count(*) FROM samples")
	var got, once uint64
	if err := server.Connect(t).QueryRow(t.Context(), "SELECT sum(n), count() FROM (SELECT count() AS n FROM copied.samples GROUP BY cluster, kind, namespace, pod, container, node, labels, metric, ts)").Scan(&got, &once); err != nil {
		t.Fatal(err)
	}
	if once != got || fmt.Sprintln(got) != want {
		t.Errorf("%d samples, %d of them once, want %s", got, once, want)
	}
	copyKilled(t, address, to)
	sameArchive(t, from, to)
}

// copyKilled makes a copy again and again, and kills it after longer and longer, until it
// is done. Then another copy finds that all is equal.
func copyKilled(t *testing.T, from, to string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "heapstash")
	copyExecutable(t, binary)
	run := func(ctx context.Context) ([]byte, error) {
		command := exec.CommandContext(ctx, binary, "copy", "--json", from, to)
		command.Env = []string{"HOME=" + filepath.Dir(binary), goRace()}
		command.Cancel = func() error { return command.Process.Signal(syscall.SIGKILL) }
		out, err := command.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
			t.Fatalf("%s\n%s", out, exit.Stderr)
		}
		return out, err
	}
	killed := 0
	for after := 20 * time.Millisecond; ; after += after / 2 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		_, err := run(ctx)
		cancel()
		if err == nil {
			break
		}
		killed++
	}
	if killed < 3 {
		t.Errorf("it was killed %d times only", killed)
	}
	out, err := run(t.Context())
	var again copied
	if err := errors.Join(err, json.Unmarshal(out, &again)); err != nil || again.Written != 0 || again.Samples == 0 || again.Skipped != again.Pieces {
		t.Errorf("copied again: %s, %v", out, err)
	}
}

// sameArchive compares two files cell by cell, and checks the second one.
func sameArchive(t *testing.T, from, to string) {
	t.Helper()
	for _, query := range []string{
		"SELECT * FROM samples ORDER BY kind, pod, metric, ts",
		"SELECT * FROM samples_hourly ORDER BY kind, pod, metric, ts",
		"SELECT * FROM entities ORDER BY kind, pod",
		"SELECT started, outcome, samples_new FROM passes WHERE version NOT LIKE '% copy' ORDER BY id",
		"SELECT * FROM watermark ORDER BY kind, name, part",
	} {
		if want, got := need.SQLite(t, from, query), need.SQLite(t, to, query); want != got {
			t.Errorf("%s: it has %d bytes, want %d", query, len(got), len(want))
		}
	}
	reader, err := sqlite.OpenReader(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if report, err := reader.Check(t.Context(), check.Options{}); err != nil || report.Faults() > 0 {
		t.Errorf("the check: %+v, %v", report.Findings, err)
	}
	if _, err := os.Stat(to + "-journal"); err == nil {
		t.Error("a journal is left")
	}
}

// longArchive makes an archive of ten days and 40 pods.
func longArchive(t *testing.T, path string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const begin, batches = schema.Instant(1506470400), schema.Instant(10 * 24 * 6)
	pod := func(i int) schema.Entity { return schema.PodEntity("shop", "web-"+schema.Int(int64(i)).String()) }
	for first := schema.Instant(0); first < batches; first += 144 {
		at := begin + first*600
		p := archive.Pass{Cluster: "default", Version: "test", Started: at.Time(), Outcome: archive.OutcomeComplete}
		if p.ID, err = store.BeginPass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		b := archive.Batch{Pass: p.ID, Cluster: "default", Watermarks: map[schema.Scope]schema.Instant{}}
		for i := range schema.Instant(144) {
			b.Horizon = at + i*600
			for n := range 40 {
				b.Rows = append(b.Rows, schema.Row{Entity: pod(n), At: b.Horizon, Readings: []schema.Reading{
					{Metric: "memory/usage", Value: schema.Int(int64(i) * int64(n))}, {Metric: "custom/x", Value: schema.Real(float64(n) / 3)},
				}})
			}
		}
		b.Watermarks[pod(0).Scope()] = b.Horizon
		if _, err := store.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		p.Horizon, p.Finished = b.Horizon, at.Add(time.Second).Time()
		if err := store.EndPass(t.Context(), p, nil); err != nil {
			t.Fatal(err)
		}
		if err := store.Settle(t.Context(), b.Horizon); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

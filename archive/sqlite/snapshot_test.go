package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/archive/sqlite"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// Passes write as fast as they can while snapshots are taken: each snapshot has
// whole batches only, up to its own watermark, and no pass fails for it.
func TestSnapshotWhilePassesWrite(t *testing.T) {
	path := newPath(t)
	cluster := heapsim.NewCluster(podsOnly(100, 4, 4))
	next := func(minute int) (schema.Instant, []schema.Row) {
		at := noon.Add(time.Duration(minute) * time.Minute)
		return at, shown(cluster.Next(at.Time()))
	}
	at, rows := next(0)
	writePass(t, path, at, rows)
	perBatch := stock(t, path, "SELECT count(*) FROM samples")

	const passes = 90 // so that hours are compacted, too
	written := make(chan struct{})
	go func() {
		defer close(written)
		for minute := 1; minute < passes && !t.Failed(); minute++ {
			at, rows := next(minute)
			writePass(t, path, at, rows)
		}
	}()
	taken := 0
	for under := true; under; taken++ {
		select {
		case <-written:
			under = false
		default:
		}
		to := filepath.Join(t.TempDir(), "s.db")
		s, err := sqlite.TakeSnapshot(t.Context(), path, to, sqlite.SnapshotOptions{})
		if err != nil {
			t.Fatal(err)
		}
		batches := int(s.Horizon-noon)/60 + 1
		got := stock(t, to, "PRAGMA integrity_check; SELECT count(DISTINCT ts), count(*) / count(DISTINCT ts), max(ts) FROM samples; SELECT max(ts) FROM watermark")
		want := fmt.Sprintf("ok\n%d|%s|%d\n%d", batches, perBatch, s.Horizon, s.Horizon)
		if got != want {
			t.Errorf("a snapshot of %d batches has\n%s\nwant\n%s", batches, got, want)
		}
	}
	t.Logf("%d snapshots of %d passes", taken, passes)
	if taken < 3 {
		t.Errorf("only %d snapshots were taken while passes wrote", taken)
	}
}

// A snapshot is one file: SQLite's header says that it has
// no write-ahead log (bytes 18 and 19 are 1: the file format's page).
func TestSnapshotIsOneFile(t *testing.T) {
	path := newPath(t)
	write(t, open(t, path), row(web0, noon, reading("memory/usage", 1)))
	to := filepath.Join(t.TempDir(), "s.db")
	if _, err := sqlite.TakeSnapshot(t.Context(), path, to, sqlite.SnapshotOptions{Options: sqlite.Options{Mode: 0o644}}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if content[18] != 1 || content[19] != 1 {
		t.Errorf("the header has %d and %d for a rollback journal, want 1 and 1", content[18], content[19])
	}
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := stock(t, "file:"+to+"?immutable=1", "SELECT pod, memory_usage FROM pod"); got != "web-0|1" {
		t.Errorf("the snapshot has %s", got)
	}
	if left := snapshot(t, filepath.Dir(to)); !strings.HasPrefix(left, "s.db\n") || strings.Contains(left, "s.db-") {
		t.Error("there is more than one file")
	}
}

// TestSnapshotIsNotWrittenOverTheArchive: an archive whose name is that of the
// draft is refused as a target.
func TestSnapshotIsNotWrittenOverTheArchive(t *testing.T) {
	path := newPath(t) + ".partial"
	write(t, open(t, path), row(web0, noon, reading("memory/usage", 1)))
	_, err := sqlite.TakeSnapshot(t.Context(), path, strings.TrimSuffix(path, ".partial"), sqlite.SnapshotOptions{})
	if err == nil || !strings.Contains(err.Error(), "which is the archive itself") {
		t.Errorf("got %v", err)
	}
	if got := stock(t, path, "SELECT memory_usage FROM pod"); got != "1" {
		t.Errorf("the archive has %s", got)
	}
}

func TestTwoSnapshotsOfOneName(t *testing.T) {
	path := newPath(t)
	write(t, open(t, path), row(web0, noon, reading("memory/usage", 1)))
	to := filepath.Join(t.TempDir(), "s.db")
	first, err := os.Create(to + ".partial") // another process's
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := first.WriteString("half a snapshot"); err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(first.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.TakeSnapshot(t.Context(), path, to, sqlite.SnapshotOptions{})
	if err == nil || !strings.Contains(err.Error(), "another heapstash is writing it") {
		t.Errorf("beside another one: %v", err)
	}
	if content, err := os.ReadFile(to + ".partial"); err != nil || string(content) != "half a snapshot" {
		t.Errorf("the other one's file has %q, %v", content, err)
	}
	if err := unix.Flock(int(first.Fd()), unix.LOCK_UN); err != nil { // it died
		t.Fatal(err)
	}
	if _, err := sqlite.TakeSnapshot(t.Context(), path, to, sqlite.SnapshotOptions{}); err != nil {
		t.Errorf("after it died: %v", err)
	}
	if got := stock(t, to, "SELECT count(*) FROM pod"); got != "1" {
		t.Errorf("the snapshot has %s rows", got)
	}
}

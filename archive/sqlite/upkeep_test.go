package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// seed stores rows of so many hours of web0, in the hot tables.
func seed(t *testing.T, path string, hours int) schema.Instant {
	t.Helper()
	s := open(t, path)
	var rows []schema.Row
	at := noon
	for range hours * 60 {
		rows = append(rows, row(web0, at, reading("memory/usage", int64(at))))
		at = at.Add(time.Minute)
	}
	_, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: "default", Horizon: at, Seen: at, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return at
}

// The clock of a compaction is the earlier one of the local and Heapster's.
func TestCompactByTheEarlierClock(t *testing.T) {
	path := newPath(t)
	end := seed(t, path, 3)
	for _, test := range []struct {
		local schema.Instant
		moved string
	}{
		{noon.Add(79 * time.Minute), "[]"},
		{noon.Add(80 * time.Minute), "[{pod 60}]"},
		{end.Add(1000 * time.Hour), "[{pod 60}]"}, // the second hour: the third has ended just now
	} {
		c, err := upkeep.Compact(t.Context(), path, sqlite.Options{}, test.local.Time())
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(c.Moved); got != test.moved {
			t.Errorf("at %v: moved %s, want %s", test.local, got, test.moved)
		}
	}
}

// A reader in the middle of a question keeps the write-ahead log, and upkeep
// says so instead of waiting for it.
func TestCompactBesideAReader(t *testing.T) {
	path := newPath(t)
	end := seed(t, path, 2)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := r.Query(t.Context(), "SELECT * FROM samples")
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	defer rows.Close()
	c, err := upkeep.Compact(t.Context(), path, sqlite.Options{}, end.Time())
	if err != nil {
		t.Fatal(err)
	}
	if c.Log == 0 || fmt.Sprint(c.Moved) != "[{pod 60}]" {
		t.Errorf("beside a reader: %+v", c)
	}
	seen := 1
	for rows.Next() {
		seen++
	}
	if seen != 120 || rows.Err() != nil {
		t.Errorf("the reader saw %d rows: %v", seen, rows.Err())
	}
}

// Below the floor nothing is stored, moved or copied, and all is as it was.
func TestTooLittleSpace(t *testing.T) {
	path := newPath(t)
	seed(t, path, 2)
	all := stock(t, path, "SELECT ts, value FROM samples ORDER BY ts; SELECT * FROM watermark")
	floor := sqlite.Options{MinFree: 1 << 60}
	s, err := sqlite.Open(t.Context(), path, floor)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pass := begin(t, s) // the ledger is still written
	_, err = s.Write(t.Context(), archive.Batch{Pass: pass, Cluster: "default", Rows: []schema.Row{row(web0, noon-60, reading("uptime", 1))}})
	var hinted interface{ Hint() string }
	if !errors.Is(err, archive.ErrNoSpace) || !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "make room") {
		t.Errorf("Write: %v", err)
	}
	if _, err := upkeep.CompactSome(t.Context(), s.Writer, noon.Add(2*time.Hour)); !errors.Is(err, archive.ErrNoSpace) {
		t.Errorf("Compact: %v", err)
	}
	if _, err := upkeep.CompactSome(t.Context(), s.Writer, noon); err != nil {
		t.Errorf("Compact with nothing to do: %v", err)
	}
	to := path + "2"
	if _, err := sqlite.TakeSnapshot(t.Context(), path, to, sqlite.SnapshotOptions{Options: floor}); !errors.Is(err, archive.ErrNoSpace) {
		t.Errorf("TakeSnapshot: %v", err)
	}
	if _, err := os.Stat(to + ".partial"); err == nil {
		t.Error("a draft of the snapshot is left")
	}
	if got := stock(t, path, "SELECT ts, value FROM samples ORDER BY ts; SELECT * FROM watermark"); got != all {
		t.Errorf("after:\n%s", got)
	}
}

func TestModeOfFiles(t *testing.T) {
	path := newPath(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Mode: 0o660}) // umask would take the group's w
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write(t, s, row(web0, noon, reading("uptime", 1)))
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o660 {
			t.Errorf("%s has %v", info.Name(), info.Mode())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	open(t, path) // with the default mode, which is not that of what exists
	for _, suffix := range []string{"", ".lock"} {
		if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("%s has %v, %v", info.Name(), info.Mode(), err)
		}
	}
}

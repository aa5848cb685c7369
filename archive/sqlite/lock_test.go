package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// TestLockIsRemoved: a writer whose lock file is removed stops, because
// another one may write from then on; a writer that waited for the removed file
// takes the new one.
func TestLockIsRemoved(t *testing.T) {
	for name, replace := range map[string]func(path string) error{
		"removed":  os.Remove,
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			first := openOn(t, path, ext4)
			defer first.Close()
			podsAt(t, first, 600, 5)
			if err := replace(dbfile.LockOf(path)); err != nil {
				t.Fatal(err)
			}
			second := openOn(t, path, ext4)
			podsAt(t, second, 660, 5)

			batch := archive.Batch{Pass: 1, Cluster: "default", Rows: []schema.Row{{
				Entity: schema.PodEntity("shop", "late"), At: 720, Readings: []schema.Reading{{Metric: "uptime", Value: schema.Int(1)}},
			}}}
			refused := func(what string, err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), "was removed while this heapstash held it") || schema.HintOf(err) == "" {
					t.Errorf("%s: %v", what, err)
				}
			}
			_, err := first.Write(t.Context(), batch)
			refused("write", err)
			_, err = upkeep.CompactSome(t.Context(), first.Writer, 36000)
			refused("compaction", err)
			first.Options.Retention = archive.Retention{archive.Raw: {schema.Pod: 48 * time.Hour}}
			_, err = upkeep.PruneSome(t.Context(), first.Writer, 100*86400)
			refused("pruning", err)
			refused("closing the pass", first.EndPass(t.Context(), archive.Pass{ID: 1}, nil))
			if _, err := Open(t.Context(), path, conn.Options{}); !errors.Is(err, archive.ErrLocked) {
				t.Errorf("a third one: %v", err)
			}
			if err := second.Close(); err != nil {
				t.Fatal(err)
			}
			if got := shell(t, path, "SELECT group_concat(DISTINCT ts) FROM pod"); got != "600,660" {
				t.Errorf("it holds %s", got)
			}
		})
	}
}

// TestLockIsRemovedMeanwhile: a lock that is removed between being opened and
// being locked is not the archive's.
func TestLockIsRemovedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	// What the archive lies on is asked between the two.
	l, err := dbfile.TakeLock(t.Context(), path, path, 0, dbfile.DefaultMode, func(directory string) (dbfile.FileSystem, int64, error) {
		if err := os.Remove(dbfile.LockOf(path)); err != nil {
			t.Error(err)
		}
		return on(ext4)(directory)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	if held, err := l.Held(); !held || err != nil {
		t.Errorf("the lock: %t, %v", held, err)
	}
	if _, err := dbfile.TakeLock(t.Context(), path, path, 0, dbfile.DefaultMode, dbfile.DiskOf); !errors.Is(err, archive.ErrLocked) {
		t.Errorf("another one: %v", err)
	}
}

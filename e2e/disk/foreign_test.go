package disk

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/e2e/rig"
	"heapstash/internal/need"
)

// TestForeign: on a FUSE without shared memory, an archive can be made, moved there and
// moved back. Passes and readers work at the same time.
func TestForeign(t *testing.T) {
	rig.NeedRoot(t)
	home := t.TempDir()
	local, far := directory(t, home, "local"), directory(t, home, "far")
	unmount, err := mountForeign(directory(t, home, "behind"), far)
	if err != nil {
		t.Fatalf("FUSE, which needs /dev/fuse: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	// A write-ahead log cannot work there.
	if out, _ := exec.Command(need.Program(t, "sqlite3"), filepath.Join(far, "premise.db"),
		"CREATE TABLE t (x); PRAGMA journal_mode = WAL; INSERT INTO t VALUES (1)").CombinedOutput(); !strings.Contains(string(out), "rror") {
		t.Fatalf("a write-ahead log works there: %s", out)
	}
	url, feed := startHeapster(t)
	collect := func(path string) string {
		t.Helper()
		return do(t, 0, "collect", "--heapster-url", url, "--db-file", path)
	}
	const count = "SELECT count(*) FROM samples"

	made := filepath.Join(far, "made.db")
	out := collect(made)
	contains(t, out, "fuse", "rollback journal", "local disk")
	if n := strings.Count(out, "rollback journal"); n != 1 {
		t.Errorf("it warns %d times", n)
	}
	if got := rig.SQL(t, made, "PRAGMA journal_mode; PRAGMA integrity_check"); got != "delete\nok" {
		t.Errorf("made there, it is %q", got)
	}
	contains(t, do(t, 0, "doctor", "--heapster-url", url, "--db-file", made), "a FUSE file system")

	home1 := filepath.Join(local, "a.db")
	contains(t, collect(home1), "samples")
	if got := rig.SQL(t, home1, "PRAGMA journal_mode"); got != "wal" {
		t.Errorf("on a local disk, it is %q", got)
	}
	before := rig.SQL(t, home1, count)
	moved := filepath.Join(far, "moved.db")
	need.Copy(t, home1, moved)
	contains(t, do(t, 1, "status", "--db-file", moved), "write-ahead log, which does not work on a file system of the kind fuse", "hint: the next pass")
	collect(moved)
	if got := rig.SQL(t, moved, "PRAGMA journal_mode; "+count); got != "delete\n"+before {
		t.Errorf("moved there, it is %q, and had %s samples", got, before)
	}

	// Two readers during three passes.
	done, readers := make(chan struct{}), make(chan string)
	for range 2 {
		go func() {
			for {
				out, err := exec.Command(heapstash, "sql", "--db-file", moved, "--format", "csv", count).CombinedOutput()
				if err != nil {
					readers <- string(out)
					return
				}
				select {
				case <-done:
					readers <- ""
					return
				default:
				}
			}
		}()
	}
	for range 3 {
		feed()
		collect(moved)
	}
	close(done)
	for range 2 {
		if failed := <-readers; failed != "" {
			t.Errorf("a reader failed: %s", failed)
		}
	}

	back := filepath.Join(local, "back.db")
	need.Copy(t, moved, back)
	before = rig.SQL(t, moved, count)
	collect(back)
	if got := rig.SQL(t, back, "PRAGMA journal_mode; "+count); got != "wal\n"+before {
		t.Errorf("moved back, it is %q, and had %s samples", got, before)
	}
}

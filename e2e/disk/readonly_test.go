package disk

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"heapstash/e2e/rig"

	"golang.org/x/sys/unix"
)

// TestReadOnlyMedium: an archive on a read-only file system is read with and without
// SQLite's log files. A pass says why it cannot write.
func TestReadOnlyMedium(t *testing.T) {
	rig.NeedRoot(t)
	home := t.TempDir()
	data := directory(t, home, "data")
	mount(t, "tmpfs", data, "tmpfs", 0)
	url, _ := startHeapster(t)
	path := filepath.Join(data, "a.db")
	do(t, 0, "collect", "--heapster-url", url, "--db-file", path)

	remount := func(flags uintptr) {
		t.Helper()
		if err := unix.Mount("", data, "", unix.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(unix.MS_RDONLY)
	contains(t, do(t, 0, "status", "--db-file", path), "cluster")
	contains(t, do(t, 1, "collect", "--heapster-url", url, "--db-file", path), "read-only file system", "hint: its file system is mounted read-only")

	remount(0)
	if err := errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm")); err != nil {
		t.Fatal(err)
	}
	remount(unix.MS_RDONLY)
	contains(t, do(t, 0, "status", "--db-file", path), "cluster")
	contains(t, do(t, 0, "sql", "--db-file", path, "SELECT count(*) > 0 AS has FROM samples"), "1")
}

// TestReadOnlyMount: a file system that is mounted read-only may still change. So an
// archive there is read only with SQLite's log files, which passes leave there.
func TestReadOnlyMount(t *testing.T) {
	rig.NeedRoot(t)
	home := t.TempDir()
	data, seen := directory(t, home, "data"), directory(t, home, "seen")
	url, feed := startHeapster(t)
	path, view := filepath.Join(data, "a.db"), filepath.Join(seen, "a.db")
	do(t, 0, "collect", "--heapster-url", url, "--db-file", path)
	mount(t, data, seen, "", unix.MS_BIND)
	if err := unix.Mount("", seen, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	const count = "SELECT count(*) FROM samples"
	for range 2 {
		contains(t, do(t, 0, "sql", "--db-file", view, "--format", "csv", count), "\n"+rig.SQL(t, path, count)+"\n")
		feed()
		do(t, 0, "collect", "--heapster-url", url, "--db-file", path)
	}
	if err := errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm")); err != nil {
		t.Fatal(err)
	}
	contains(t, do(t, 1, "status", "--db-file", view), "hint: its -wal and -shm files must be there", "heapstash snapshot")
}

package torture

import (
	"bytes"
	"errors"
	"fmt"
	"heapstash/e2e/rig"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDiskFull: on a file system with little free space, an operation works, or it
// says what to do and no sample is lost. With free space, it continues.
func TestDiskFull(t *testing.T) {
	needRoot(t)
	for _, o := range operations {
		if o.name == "Upgrade" { // it needs more space: TestDiskUpgrade
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			w := newWorld(t)
			op := o.prepare(w)
			disk := w.mount("tmpfs", "size=32m")
			outcomes := make(map[string]int)
			for left := 0; left <= 1024; left += 16 * *every {
				w.Run(fmt.Sprintf("%dK", left), func(t *testing.T) {
					w := w.within(t)
					archive := w.onto(disk, op.archive)
					ballast := w.fill(disk, left<<10)
					e := w.run(op.command(archive))
					var e2 rig.Outcome
					if e.Code != 0 { // again, as a minute later
						w.blames(e, "free some space")
						e2 = w.run(op.command(archive))
					}
					if err := os.Remove(ballast); err != nil {
						t.Fatal(err)
					}
					if e2.Code != 0 {
						w.blames(e2, "free some space")
					}
					outcomes[w.judge(op, fault{}, e, archive)]++
				})
			}
			w.Log(outcomes)
			if outcomes["an error"] == 0 || outcomes["harmless"] == 0 {
				w.Error("the free space was never too little, or always")
			}
		})
	}
}

// TestDiskMinFree: a pass ends before it takes the space of archive.min_free, and
// stores nothing. With free space, it continues.
func TestDiskMinFree(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	op := laterPass(w)
	disk := w.mount("tmpfs", "size=32m")
	archive := w.onto(disk, op.archive)
	before := w.samples(archive)
	floored := func() *exec.Cmd {
		cmd := op.command(archive)
		cmd.Env = append(cmd.Env, "HEAPSTASH_ARCHIVE_MIN_FREE=16MiB")
		return cmd
	}
	ballast := w.fill(disk, 15<<20)
	for range 3 {
		w.blames(w.run(floored()), "make room")
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(disk, &stat); err != nil || stat.Bavail*uint64(stat.Bsize) < 14<<20 {
		t.Errorf("%d bytes are free, %v", stat.Bavail*uint64(stat.Bsize), err)
	}
	w.holds(archive, before)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.must(floored())
	op.repeat(w, archive)
}

// TestFileLimit is TestDiskFull with a limit of the size of a file, as a quota sets.
// SIGXFSZ must not end heapstash.
func TestFileLimit(t *testing.T) {
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			op := o.prepare(w)
			outcomes := make(map[string]int)
			for blocks := 0; blocks <= 2048 && outcomes["harmless"] == 0; blocks += 64 * *every {
				w.Run(fmt.Sprintf("%dK", blocks/2), func(t *testing.T) {
					w := w.within(t)
					archive := w.copyOf(op.archive, "limited")
					cmd := op.command(archive)
					cmd.Args = append([]string{"sh", "-c", `ulimit -f "$1"; shift; exec "$@"`, "sh", fmt.Sprint(blocks)}, cmd.Args...)
					cmd.Path = "/bin/sh"
					e := w.run(cmd)
					if e.Code != 0 {
						w.blames(e, "ulimit -f")
					}
					outcomes[w.judge(op, fault{}, e, archive)]++
				})
			}
			w.Log(outcomes)
			if outcomes["an error"] == 0 {
				w.Error("no limit was too low")
			}
		})
	}
}

// TestReadOnly: the file system becomes read-only, or the directory belongs to
// another user than heapstash's.
func TestReadOnly(t *testing.T) {
	needRoot(t)
	w := newWorld(t)
	op := laterPass(w)
	t.Run("Mount", func(t *testing.T) {
		w := w.within(t)
		disk := w.mount("tmpfs", "size=32m")
		archive := w.onto(disk, op.archive)
		remount := func(flags uintptr) {
			if err := unix.Mount("", disk, "", unix.MS_REMOUNT|flags, ""); err != nil {
				t.Fatal(err)
			}
		}
		remount(unix.MS_RDONLY)
		w.blames(w.run(op.command(archive)), "mount it writable")
		remount(0)
		op.repeat(w, archive)
	})
	t.Run("Owner", func(t *testing.T) {
		w := w.within(t)
		if err := os.Chmod(w.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		archive := w.copyOf(op.archive, "owned")
		program := filepath.Join(w.dir, "heapstash")
		w.must(exec.Command("cp", w.program, program))
		nobody := func() *exec.Cmd {
			cmd := op.command(archive)
			cmd.Path = program
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			return cmd
		}
		reach(t, w.dir)
		w.blames(w.run(nobody()), "must be writable")
		w.must(exec.Command("chown", "-R", "65534:65534", filepath.Dir(archive)))
		w.must(nobody())
		op.repeat(w, archive)
	})
}

// reach lets other users reach a directory.
func reach(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// blames fails the test unless the command failed with this hint.
func (w *world) blames(e rig.Outcome, hint string) {
	w.Helper()
	if e.Code != 1 || !strings.Contains(e.Stderr, "heapstash: ") || !strings.Contains(e.Stderr, hint) {
		w.Errorf("exit code %d, want 1 and a hint with %q\n%s", e.Code, hint, e.Stderr)
	}
}

// mount mounts a file system until the test ends.
func (w *world) mount(kind, options string) (path string) {
	w.Helper()
	path = w.TempDir()
	if err := unix.Mount(kind, path, kind, 0, options); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := unix.Unmount(path, 0); err != nil {
			w.Error(err, unix.Unmount(path, unix.MNT_DETACH))
		}
	})
	return path
}

// onto copies an archive into an empty file system.
func (w *world) onto(disk, archive string) string {
	w.Helper()
	dir := filepath.Join(disk, "archive")
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(filepath.Dir(archive)))); err != nil {
		w.Fatal(err)
	}
	return filepath.Join(dir, "a.db")
}

// fill leaves some free bytes in a file system: a file of zeros takes the rest.
func (w *world) fill(disk string, left int) (ballast string) {
	w.Helper()
	var stat unix.Statfs_t
	if err := unix.Statfs(disk, &stat); err != nil {
		w.Fatal(err)
	}
	ballast = filepath.Join(disk, "ballast")
	zeros := bytes.Repeat([]byte{0}, max(0, int(stat.Bavail)*int(stat.Bsize)-left))
	if err := os.WriteFile(ballast, zeros, 0o600); err != nil {
		w.Fatal(err)
	}
	return ballast
}

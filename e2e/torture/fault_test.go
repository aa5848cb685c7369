package torture

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestFaults has the 1st, the 2nd, ... of the system calls fail by which an
// operation reads and writes the archive, or kills the process in front of it.
// A fault is either harmless, and then the operation's work is all there, or
// it is an error with a message; the archive is right in either case, and the
// next pass mends what there is to mend.
func TestFaults(t *testing.T) {
	for name, prepare := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			op := prepare(w)
			for _, f := range []fault{
				{"EIO", decision{errno: syscall.EIO}, false},
				{"ENOSPC", decision{errno: syscall.ENOSPC}, true},
				{"EROFS", decision{errno: syscall.EROFS}, true},
				{"KILL", decision{kill: true}, false},
			} {
				t.Run(f.name, func(t *testing.T) { w.within(t).suffer(op, f) })
			}
		})
	}
}

// fault is what happens to a system call.
type fault struct {
	name string
	decision
	lasts bool // it happens to all that follow, too
}

// concerns reports whether the fault can happen to the call.
func (f fault) concerns(a asked) bool {
	switch {
	case a.call == "pread64" || a.call == "flock" || a.call == "mmap":
		return f.errno == syscall.EIO
	case f.errno == syscall.EROFS:
		return a.call != "fsync" && a.call != "fdatasync"
	case f.errno == syscall.ENOSPC:
		return a.call != "unlink" && a.call != "unlinkat"
	case f.kill:
		return a.call != "openat"
	}
	return true
}

// suffer has the fault happen at one call after the other.
func (w *world) suffer(op *operation, f fault) {
	w.Helper()
	outcomes := make(map[string]int) // by call, file and what came of it
	total := 0
	for n := 1 + w.rand.IntN(*every); ; n += *every {
		hit, calls, e, archive := w.disturb(op, f, n)
		if hit == (asked{}) {
			total = calls
			break
		}
		what := hit.call + " of " + strings.TrimPrefix(filepath.Base(hit.path), "a.db")
		w.Run(fmt.Sprintf("%d_%s", n, strings.ReplaceAll(what, " ", "_")), func(t *testing.T) {
			sub := w.within(t)
			outcomes[what+": "+sub.judge(op, f, e, archive)]++
		})
		if w.Failed() {
			w.FailNow()
		}
	}
	w.Logf("%d calls", total)
	for _, what := range slices.Sorted(maps.Keys(outcomes)) {
		w.Logf("%4d %s", outcomes[what], what)
	}
}

// disturb runs the operation on a copy, with the fault at the n-th call that
// it concerns. It returns the call; the zero one if there were not so many.
func (w *world) disturb(op *operation, f fault, n int) (hit asked, count int, e ended, archive string) {
	w.Helper()
	archive = w.copyOf(op.archive, "disturbed")
	cmd := op.command(archive)
	wait, err := supervise(cmd, filepath.Dir(archive), func(a asked) decision {
		if !f.concerns(a) {
			return decision{}
		}
		if count++; count == n {
			hit = a
		}
		if count == n || f.lasts && count > n {
			return f.decision
		}
		return decision{}
	})
	if err != nil {
		w.Fatal(err)
	}
	e = w.run(cmd)
	if err := wait(); err != nil {
		w.Fatal(err)
	}
	if e.code == 125 {
		w.Fatal(e.stderr)
	}
	return hit, count, e, archive
}

// judge looks at what a fault left.
func (w *world) judge(op *operation, f fault, e ended, archive string) (outcome string) {
	w.Helper()
	switch {
	case f.kill:
		outcome = "killed"
	case e.code == 0:
		outcome = "harmless"
	case e.code == 1 && strings.Contains(e.stderr, "heapstash: "):
		outcome = "an error"
		if !strings.Contains(e.stderr, "hint: ") {
			w.Errorf("no hint: %s", e.stderr)
		}
	default:
		w.Fatalf("exit code %d\n%s", e.code, e.stderr)
	}
	state, done := op.left(w, archive)
	if outcome == "harmless" && !done {
		w.Fatalf("it exits 0, and comes to %s", state)
	}
	op.heals(w, archive)
	return outcome
}

package torture

import (
	"fmt"
	"heapstash/e2e/rig"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// fault is something that happens to a system call.
type fault struct {
	name string
	decision
	lasts bool // it happens to all later calls, too
}

var faults = []fault{
	{"EIO", decision{errno: syscall.EIO}, false},
	{"EIO_from_then_on", decision{errno: syscall.EIO}, true},
	{"ENOSPC", decision{errno: syscall.ENOSPC}, false},
	{"ENOSPC_from_then_on", decision{errno: syscall.ENOSPC}, true},
	{"EROFS_from_then_on", decision{errno: syscall.EROFS}, true},
	{"KILL", decision{kill: true}, false},
}

// concerns reports whether the fault can happen at a call.
func (f fault) concerns(call string) bool {
	switch {
	case call == "pread64" || call == "flock" || call == "mmap":
		return f.errno == syscall.EIO
	case f.errno == syscall.EROFS:
		return call != "fsync" && call != "fdatasync"
	case f.errno == syscall.ENOSPC:
		return call != "unlink" && call != "unlinkat"
	case f.kill:
		return call != "openat"
	}
	return true
}

// apart returns how many calls of a name are apart that have a fault. Calls that sync
// or remove are few and differ, so each has a fault.
func apart(call string) int {
	switch call {
	case "fsync", "fdatasync", "ftruncate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "linkat":
		return 1
	}
	return *every
}

// TestFaults makes the 1st, 2nd, ... of the system calls fail by which an operation
// reads and writes the archive, or kills the process at that call. Either the fault is
// harmless and the operation is complete, or it is an error with a message. In both
// cases the archive is right, and a repetition completes the operation.
//
// With -short, there is one fault at one call of each name.
func TestFaults(t *testing.T) {
	var all struct {
		sync.Mutex
		operations int // fewer than there are with -run Of/NAME
		rounds     tally
	}
	t.Run("Of", func(t *testing.T) {
		for _, o := range operations {
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				op := o.prepare(w)
				made := w.survey(op)
				w.Logf("without faults, it makes %v", made)
				rounds := make(tally)
				var suffered []fault // fewer with -run Of/NAME/FAULT
				for _, f := range faults {
					t.Run(f.name, func(t *testing.T) {
						suffered = append(suffered, f)
						w.within(t).suffer(op, f, made, rounds)
					})
				}
				w.covers(op, suffered, made, rounds)
				all.Lock()
				defer all.Unlock()
				all.operations++
				all.rounds = all.rounds.plus(rounds)
			})
		}
	})
	byFault := all.rounds.by(func(r round) string { return r.fault })
	for _, f := range faults {
		if byFault[f.name] == 0 && all.operations == len(operations) {
			t.Errorf("%s never happened", f.name)
		}
	}
	t.Logf("rounds by outcome: %v; by fault: %v; by call: %v", all.rounds.by(func(r round) string { return r.outcome }),
		byFault, all.rounds.by(func(r round) string { return r.call }))
}

// covers fails the test unless the operation makes each call that it must make, and each
// fault happened at as many calls as it should. A fifth may be missing, because upkeep on
// a slow machine gives the archive's lock away more often, and makes more calls. With
// -short, some fault must have happened at each call.
func (w *world) covers(op *operation, suffered []fault, made map[string]int, rounds tally) {
	w.Helper()
	for _, call := range op.calls {
		if made[call] == 0 {
			w.Errorf("it must make a %s, and does not", call)
		}
	}
	byCall := rounds.by(func(r round) string { return r.call })
	both := rounds.by(func(r round) string { return r.fault + " at " + r.call })
	for call, times := range made {
		if len(suffered) == len(faults) && byCall[call] == 0 {
			w.Errorf("no fault happened at a %s", call)
		}
		for _, f := range suffered {
			if got, want := both[f.name+" at "+call], (times-times/5-2)/apart(call); !testing.Short() && f.concerns(call) && (got < want || got == 0 && times > 2) {
				w.Errorf("%s happened at %d of %d %s", f.name, got, times, call)
			}
		}
	}
}

// round is a fault at a call for a file, and its outcome.
type round struct{ fault, call, file, outcome string }

// tally counts rounds.
type tally map[round]int

func (t tally) plus(other tally) tally {
	sum := maps.Clone(t)
	if sum == nil {
		sum = make(tally)
	}
	for r, n := range other {
		sum[r] += n
	}
	return sum
}

// by counts rounds by a part of them.
func (t tally) by(part func(round) string) map[string]int {
	counts := make(map[string]int)
	for r, n := range t {
		counts[part(r)] += n
	}
	return counts
}

// survey counts the calls of the operation without faults.
func (w *world) survey(op *operation) map[string]int {
	w.Helper()
	made := make(map[string]int)
	archive := w.copyOf(op.archive, "surveyed")
	w.supervised(op.command(archive), archive, func(a asked) decision {
		made[a.call]++
		return decision{}
	})
	return made
}

// suffer makes the fault happen at one call after the other.
func (w *world) suffer(op *operation, f fault, made map[string]int, rounds tally) {
	w.Helper()
	for i, call := range slices.Sorted(maps.Keys(made)) {
		if !f.concerns(call) || testing.Short() && f.name != shortFault(call, i) {
			continue
		}
		step := apart(call)
		n := 1 + w.rand.IntN(min(step, made[call]))
		if testing.Short() {
			n = 1 + w.rand.IntN(made[call])
		}
		for ; ; n += step {
			hit, e, archive := w.disturb(op, f, call, n)
			if hit == (asked{}) {
				break
			}
			r := round{fault: f.name, call: call, file: strings.TrimPrefix(filepath.Base(hit.path), "a.db")}
			w.Run(fmt.Sprintf("%s_%d_of_%s", call, n, r.file), func(t *testing.T) {
				r.outcome = w.within(t).judge(op, f, e, archive)
			})
			rounds[r]++
			if testing.Short() {
				break
			}
		}
	}
	for r, n := range rounds {
		if r.fault == f.name {
			w.Logf("%4d %s of %q: %s", n, r.call, r.file, r.outcome)
		}
	}
}

// shortFault is the one fault of the i-th call with -short.
func shortFault(call string, i int) string {
	var possible []string
	for _, f := range faults {
		if f.concerns(call) {
			possible = append(possible, f.name)
		}
	}
	return possible[(i+int(*seed))%len(possible)]
}

// disturb runs the operation on a copy, with the fault at the n-th call of a name. It
// returns that call, or the zero call if there are fewer.
func (w *world) disturb(op *operation, f fault, call string, n int) (hit asked, e rig.Outcome, archive string) {
	w.Helper()
	archive = w.copyOf(op.archive, "disturbed")
	count := 0
	e = w.supervised(op.command(archive), archive, func(a asked) decision {
		if a.call == call {
			count++
		}
		switch {
		case hit == asked{} && count == n:
			hit = a
			return f.decision
		case hit != asked{} && f.lasts && f.concerns(a.call):
			return f.decision
		}
		return decision{}
	})
	return hit, e, archive
}

// supervised runs a command on an archive. decide decides about its calls.
func (w *world) supervised(cmd *exec.Cmd, archive string, decide func(asked) decision) rig.Outcome {
	w.Helper()
	wait, err := supervise(cmd, filepath.Dir(archive), decide)
	if err != nil {
		w.Fatal(err)
	}
	e := w.run(cmd)
	if err := wait(); err != nil {
		w.Fatal(err)
	}
	if e.Code == 125 {
		w.Fatal(e.Stderr)
	}
	return e
}

// judge checks the archive after a fault, and repeats the operation.
func (w *world) judge(op *operation, f fault, e rig.Outcome, archive string) (outcome string) {
	w.Helper()
	switch {
	case f.kill:
		outcome = "killed"
	case e.Code == 0:
		outcome = "harmless"
	case e.Code == 1 && strings.Contains(e.Stderr, "heapstash: "):
		outcome = "an error"
		if !strings.Contains(e.Stderr, "hint: ") {
			w.Errorf("no hint: %s", e.Stderr)
		}
	default:
		w.Fatalf("exit code %d\n%s", e.Code, e.Stderr)
	}
	state, done := op.examineCopy(w, archive)
	if outcome == "harmless" && !done {
		w.Fatalf("it exits 0, and the archive is %s", state)
	}
	op.repeat(w, archive)
	return outcome
}

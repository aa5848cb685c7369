package torture

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/archive/sqlite"
	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

// operation is something that heapstash does to an archive, and the checks of the
// archive after a fault and after the operation has been repeated.
type operation struct {
	*world
	archive string // before the operation; a path without a file if the operation makes it
	command func(archive string) *exec.Cmd
	// examine ends the test unless the archive is right. It returns how far the
	// operation came, and whether the operation is done.
	examine func(w *world, archive string) (state string, done bool)
	// cells returns all cells that the operation makes.
	cells func(w *world, archive string) []string
	// undisturbed are the cells that the operation makes without a fault.
	undisturbed []string
	// calls are system calls that the operation must make, so that a fault does
	// happen.
	calls []string
}

// operations are the operations under test, each in its own world. The one with the
// most calls is first, so that it does not run alone at the end.
var operations = []struct {
	name    string
	prepare func(*world) *operation
}{
	{"Upgrade", upgrade},
	{"FirstPass", firstPass},
	{"Compaction", compaction},
	{"Snapshot", snapshot},
	{"Compact", compactCommand},
	{"Pass", laterPass},
	{"Prune", prune},
	{"Ship", ship},
}

// rehearse runs the operation on a copy without a fault, and completes it with the
// result.
func (op *operation) rehearse() *operation {
	op.Helper()
	if op.cells == nil {
		op.cells = (*world).cells
	}
	twin := op.copyOf(op.archive, "twin")
	op.must(op.command(twin))
	if state, done := op.examine(op.world, twin); !done {
		op.Fatalf("without a fault, the result is %s", state)
	}
	op.undisturbed = op.cells(op.world, twin)
	op.calls = append(op.calls, "pread64", "pwrite64", "openat", "flock", "mmap", "fsync", "ftruncate")
	return op
}

// passInto is a pass into the archive.
func (w *world) passInto(archive string) *operation {
	var before []string
	if exists(archive) {
		before = w.samples(archive)
	}
	w.oracle.Pass()
	after := w.oracle.Samples()
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd { return w.collect(archive) }}
	op.examine = func(w *world, archive string) (string, bool) {
		w.Helper()
		if !exists(archive) {
			if before != nil {
				w.Fatal("the archive is gone")
			}
			return "no archive", false
		}
		stages, all := w.stages(archive, before, after)
		return fmt.Sprintf("%d stages", stages), all
	}
	return op.rehearse()
}

func firstPass(w *world) *operation {
	w.feed(3, time.Minute)
	op := w.passInto(w.file("before"))
	op.calls = append(op.calls, "fchmod", "renameat", "unlinkat")
	return op
}

func laterPass(w *world) *operation {
	w.feed(3, time.Minute)
	archive := w.file("before")
	w.oracle.Pass()
	w.pass(archive)
	w.feed(1, time.Minute)
	return w.passInto(archive)
}

// compaction is a pass that compacts an hour.
func compaction(w *world) *operation {
	archive := w.file("before")
	w.at = noon.Add(38 * time.Minute)
	w.history(archive, 20) // up to 13:18
	w.feed(1, 2*time.Minute)
	return w.passInto(archive)
}

// history gives the archive several batches, two minutes apart, with a pass after
// each. The passes do not compact.
func (w *world) history(archive string, batches int) {
	w.Helper()
	for range batches {
		w.feed(1, 2*time.Minute)
		w.oracle.Pass()
		if _, err := rig.Pass(w.Context(), w.client, archive, collect.DefaultOptions(), leaveInPlace); err != nil {
			w.Fatal(err)
		}
	}
}

// uncompacted is an archive in which every row stays where it was written.
type uncompacted struct{ *sqlite.Store }

func (uncompacted) Upkeep(context.Context, schema.Instant) (archive.Upkeep, error) {
	return archive.Upkeep{}, nil
}

func leaveInPlace(s *sqlite.Store) collect.Store { return uncompacted{s} }

// compactCommand compacts an hour that passes did not compact.
func compactCommand(w *world) *operation {
	archive := w.file("before")
	w.at = noon.Add(56 * time.Minute)
	w.history(archive, 12) // up to 13:20
	before := w.samples(archive)
	op := &operation{world: w, archive: archive,
		command: func(archive string) *exec.Cmd { return w.command("compact", "--db-file", archive) }}
	op.examine = func(w *world, archive string) (string, bool) {
		w.Helper()
		w.holds(archive, before)
		moved := w.sql(archive, "SELECT count(*) || ' tables moved' FROM compaction")
		hot := w.sql(archive, "SELECT count(*) FROM pod_hot, (SELECT max(ts) AS newest FROM pod_hot) WHERE ts < newest - newest % 3600")
		return moved, moved != "0 tables moved" && hot == "0"
	}
	return op.rehearse()
}

// prune removes the first of two hours. Between them is an hour without a pass.
func prune(w *world) *operation {
	archive := w.file("before")
	w.at = noon.Add(30 * time.Minute)
	w.history(archive, 12) // up to 12:54
	w.at = noon.Add(3 * time.Hour)
	w.feed(2, 2*time.Minute) // up to 15:04
	w.oracle.Pass()
	w.must(w.collect(archive, "--partial-ok"))
	before := w.samples(archive)
	var after []string
	kept := fmt.Sprint(noon.Add(time.Hour).Unix())
	for _, sample := range before {
		if strings.Split(sample, "\t")[tsColumn] >= kept {
			after = append(after, sample)
		}
	}
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd {
		cmd := w.command("prune", "--db-file", archive)
		cmd.Env = append(cmd.Env, "HEAPSTASH_ARCHIVE_RETENTION_RAW=2h")
		return cmd
	}}
	op.examine = func(w *world, archive string) (string, bool) {
		w.Helper()
		got := w.samples(archive)
		if missing, _ := oracle.Difference(after, got); len(missing) > 0 {
			w.Fatalf("%d samples are gone that must stay:\n%s", len(missing), oracle.First(missing))
		}
		gone, extra := oracle.Difference(before, got)
		if len(extra) > 0 {
			w.Fatalf("%d samples are new:\n%s", len(extra), oracle.First(extra))
		}
		rows := make(map[string]string) // a lost sample of each row, by the row's columns without metric and value
		row := func(sample string) string {
			columns := strings.Split(sample, "\t")
			return strings.Join(append(columns[:metricColumn:metricColumn], columns[tsColumn]), "\t")
		}
		for _, sample := range gone {
			rows[row(sample)] = sample
		}
		left := 0
		for _, sample := range got {
			if half := rows[row(sample)]; half != "" {
				w.Fatalf("half of a row is gone: %s\nand not %s", half, sample)
			}
			if strings.Split(sample, "\t")[tsColumn] < kept {
				left++
			}
		}
		done := left == 0
		switch {
		case done:
			return "all pruned", true
		case len(gone) == 0:
			return "nothing pruned", false
		}
		return "some pruned", false
	}
	return op.rehearse()
}

// snapshot copies an archive that has a -wal file.
func snapshot(w *world) *operation {
	archive := w.file("before")
	w.history(archive, 5)
	before := w.samples(archive)
	copied := func(archive string) string { return filepath.Join(filepath.Dir(archive), "snapshot.db") }
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd {
		return w.command("snapshot", "--db-file", archive, "--force", copied(archive))
	}}
	op.examine = func(w *world, archive string) (string, bool) {
		w.Helper()
		w.holds(archive, before)
		if !exists(copied(archive)) {
			return "no snapshot", false
		}
		w.holds(copied(archive), before)
		return "a snapshot", true
	}
	op.cells = func(w *world, archive string) []string {
		return append(w.cells(copied(archive)), w.cells(archive)...)
	}
	op.calls = []string{"fchmod", "renameat", "unlinkat"}
	return op.rehearse()
}

// examineCopy examines a copy of an archive after a fault, because opening an archive
// may repair it.
func (op *operation) examineCopy(w *world, archive string) (state string, done bool) {
	w.Helper()
	return op.examine(w, w.copyOf(archive, "examined"))
}

// repeat repeats the operation after a fault. The archive must then be as if there
// had been no fault.
func (op *operation) repeat(w *world, archive string) {
	w.Helper()
	w.must(op.command(archive))
	w.alike(op.cells(w, archive), op.undisturbed)
	for _, left := range []string{archive + ".new", filepath.Join(filepath.Dir(archive), "snapshot.db.partial")} {
		if exists(left) {
			w.Errorf("%s is still there", left)
		}
	}
}

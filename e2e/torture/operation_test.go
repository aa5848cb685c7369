package torture

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"heapstash/archive/collect"
	"heapstash/archive/sqlite"
	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/schema"
)

// operation is something that heapstash does to an archive, what must be true
// of the archive if it is disturbed, and what comes of it in the end.
type operation struct {
	*world
	archive string // as it is before; it is not there if the operation makes it
	command func(archive string) *exec.Cmd
	// looks fails the test unless what is left of an archive is right, and
	// tells how far the operation came, and whether that is the end.
	looks func(w *world, archive string) (state string, done bool)
	// mends is what repeats the operation: what comes next in life.
	mends func(archive string) *exec.Cmd
	// shows are all cells of what the operation makes, and done are those of
	// one that was not disturbed.
	shows func(w *world, archive string) []string
	done  []string
	// calls are some of those that it cannot do without, lest a fault be
	// thought harmless that never was.
	calls []string
}

// operations are those that are disturbed, each in a world of its own. The one
// that makes most calls is first, so that the others do not end long before it.
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
}

// undisturbed completes an operation by having it done.
func (op *operation) undisturbed() *operation {
	op.Helper()
	if op.mends == nil {
		op.mends = op.command
	}
	if op.shows == nil {
		op.shows = (*world).cells
	}
	twin := op.copyOf(op.archive, "twin")
	op.must(op.command(twin))
	if state, done := op.looks(op.world, twin); !done {
		op.Fatalf("undisturbed, it comes to %s", state)
	}
	op.done = op.shows(op.world, twin)
	op.calls = append(op.calls, "pread64", "pwrite64", "openat", "flock", "mmap", "fsync", "ftruncate")
	return op
}

// pass is an operation that is a pass into the archive.
func (w *world) passInto(archive string) *operation {
	var before []string
	if exists(archive) {
		before = w.samples(archive)
	}
	w.oracle.Pass()
	after := w.oracle.Samples()
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd { return w.collect(archive) }}
	op.looks = func(w *world, archive string) (string, bool) {
		w.Helper()
		if !exists(archive) {
			if before != nil {
				w.Fatal("the archive is gone")
			}
			return "no archive", false
		}
		stages, all := w.whole(archive, before, after)
		return fmt.Sprintf("%d stages", stages), all
	}
	return op.undisturbed()
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

// compaction is a pass at which an hour closes.
func compaction(w *world) *operation {
	archive := w.file("before")
	w.at = noon.Add(38 * time.Minute)
	w.history(archive, 20) // up to 13:18
	w.feed(1, 2*time.Minute)
	return w.passInto(archive)
}

// history gives the archive so many batches, two minutes apart, with a pass for
// each that compacts nothing.
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

func (uncompacted) Compact(context.Context, schema.Instant) (int64, error) { return 0, nil }

func leaveInPlace(s *sqlite.Store) collect.Store { return uncompacted{s} }

// compactCommand has an hour to move that passes left.
func compactCommand(w *world) *operation {
	archive := w.file("before")
	w.at = noon.Add(56 * time.Minute)
	w.history(archive, 12) // up to 13:20
	before := w.samples(archive)
	op := &operation{world: w, archive: archive,
		command: func(archive string) *exec.Cmd { return w.command("compact", "--db-file", archive) }}
	op.looks = func(w *world, archive string) (string, bool) {
		w.Helper()
		w.holds(archive, before)
		moved := w.sql(archive, "SELECT count(*) || ' tables moved' FROM compaction")
		hot := w.sql(archive, "SELECT count(*) FROM pod_hot, (SELECT max(ts) AS newest FROM pod_hot) WHERE ts < newest - newest % 3600")
		return moved, moved != "0 tables moved" && hot == "0"
	}
	return op.undisturbed()
}

// prune takes the first of two hours away; between them lies one that nobody
// archived.
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
	op.looks = func(w *world, archive string) (string, bool) {
		w.Helper()
		got := w.samples(archive)
		if missing, _ := oracle.Difference(after, got); len(missing) > 0 {
			w.Fatalf("%d samples went that were to stay:\n%s", len(missing), oracle.First(missing))
		}
		gone, extra := oracle.Difference(before, got)
		if len(extra) > 0 {
			w.Fatalf("%d samples came:\n%s", len(extra), oracle.First(extra))
		}
		rows := make(map[string]string) // that are gone, by what but metric and value makes them
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
	return op.undisturbed()
}

// snapshot copies an archive with a log beside it.
func snapshot(w *world) *operation {
	archive := w.file("before")
	w.history(archive, 5)
	before := w.samples(archive)
	copied := func(archive string) string { return filepath.Join(filepath.Dir(archive), "snapshot.db") }
	op := &operation{world: w, archive: archive, command: func(archive string) *exec.Cmd {
		return w.command("snapshot", "--db-file", archive, "--force", copied(archive))
	}}
	op.looks = func(w *world, archive string) (string, bool) {
		w.Helper()
		w.holds(archive, before)
		if !exists(copied(archive)) {
			return "no snapshot", false
		}
		w.holds(copied(archive), before)
		return "a snapshot", true
	}
	op.shows = func(w *world, archive string) []string {
		return append(w.cells(copied(archive)), w.cells(archive)...)
	}
	op.calls = []string{"fchmod", "renameat", "unlinkat"}
	return op.undisturbed()
}

// left looks at a copy of what a disturbance left, lest the looking mend it.
func (op *operation) left(w *world, archive string) (state string, done bool) {
	w.Helper()
	return op.looks(w, w.copyOf(archive, "look"))
}

// heals fails the test unless the operation, repeated, makes of the archive
// what it would be without the disturbance.
func (op *operation) heals(w *world, archive string) {
	w.Helper()
	w.must(op.mends(archive))
	w.alike(op.shows(w, archive), op.done)
	for _, left := range []string{archive + ".new", filepath.Join(filepath.Dir(archive), "snapshot.db.partial")} {
		if exists(left) {
			w.Errorf("%s is still there", left)
		}
	}
}

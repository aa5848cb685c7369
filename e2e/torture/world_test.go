package torture

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster"
	"heapstash/heapster/heapsim"
)

// noon is the begin of a world: long ago, so that nothing depends on the real clock.
var noon = time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC)

// world is a Heapster with its cluster, the oracle, and archives.
type world struct {
	*testing.T
	program string // the heapstash under test
	dir     string // for archives
	rand    *rand.Rand
	sim     *rig.StandIn
	client  *heapster.Client // for passes in this process
	oracle  *oracle.Oracle
	at      time.Time // of the last batch
}

// newWorld begins a world without a batch. It is small, to be fast: a batch has a few
// hundred samples, of every kind.
func newWorld(t *testing.T) *world {
	w := &world{
		T:       t,
		program: heapstash,
		dir:     t.TempDir(),
		rand:    rand.New(rand.NewPCG(*seed, 0)),
		// Without disks: their values depend on the time of a pass, because
		// metric-export shows floats of the newest batch only.
		sim: rig.StartStandIn(t, heapsim.Options{Seed: *seed},
			heapsim.ClusterOptions{Seed: *seed, Nodes: 1, Namespaces: 2, Pods: 4, Containers: 1, NoDisks: true}),
		oracle: oracle.New(),
		at:     noon,
	}
	w.client = rig.NewClient(t, w.sim.URL)
	t.Logf("-seed %d", *seed)
	return w
}

// within returns the world for a subtest.
func (w *world) within(t *testing.T) *world {
	inner := *w
	inner.T = t
	return &inner
}

// feed gives Heapster several batches, a time apart. A pod or two are replaced in
// some of them.
func (w *world) feed(batches int, apart time.Duration) {
	for range batches {
		w.at = w.at.Add(apart)
		if w.rand.Float64() < 0.3 {
			w.sim.Cluster.Churn(1)
		}
		if w.rand.Float64() < 0.1 {
			w.sim.Cluster.Recreate(w.sim.Cluster.Pods()[w.rand.IntN(4)])
		}
		w.oracle.Feed(w.sim.Scrape(w.at), w.at, w.at)
	}
}

// collect is the command of a pass into the archive.
func (w *world) collect(archive string, more ...string) *exec.Cmd {
	return w.command(append([]string{"collect", "--heapster-url", w.sim.URL, "--db-file", archive, "--log-level", "error"}, more...)...)
}

// command is a command of heapstash without the settings of the machine.
func (w *world) command(arguments ...string) *exec.Cmd {
	cmd := exec.Command(w.program, arguments...)
	// Tests fill disks to the last byte.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "HEAPSTASH_ARCHIVE_MIN_FREE=0"}
	return cmd
}

// run runs a command to its end.
func (w *world) run(cmd *exec.Cmd) rig.Outcome { w.Helper(); return rig.RunUntil(w, cmd, time.Minute) }

// must runs a command that exits with 0.
func (w *world) must(cmd *exec.Cmd) rig.Outcome {
	w.Helper()
	return w.run(cmd).Want(w, 0)
}

// pass makes an undisturbed pass into the archive.
func (w *world) pass(archive string) rig.Outcome {
	w.Helper()
	return w.must(w.collect(archive))
}

// file returns the path for an archive in a new directory.
func (w *world) file(name string) string {
	w.Helper()
	dir := filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	return filepath.Join(dir, "a.db")
}

// copyOf copies the directory of an archive, and returns the path of the copied
// archive. An older copy of that name is removed.
func (w *world) copyOf(archive, name string) string {
	w.Helper()
	dir := filepath.Join(w.dir, name)
	if err := os.RemoveAll(dir); err != nil {
		w.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(archive))); err != nil {
		w.Fatal(err)
	}
	return filepath.Join(dir, "a.db")
}

// sql runs a script that only reads.
func (w *world) sql(archive, script string) string { w.Helper(); return rig.SQL(w, archive, script) }

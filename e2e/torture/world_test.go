package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/heapster/heapsim"
)

// noon is when a world begins: long ago, so that nothing depends on the local
// clock.
var noon = time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC)

// world is a Heapster with its cluster, an oracle that knows what was fed, and
// archives that are made of it.
type world struct {
	*testing.T
	program string // the heapstash that is under test
	dir     string // for archives
	url     string
	rand    *rand.Rand
	clock   *atomic.Int64 // Heapster's, Unix seconds
	sim     *heapsim.Server
	cluster *heapsim.Cluster
	oracle  *oracle.Oracle
	at      time.Time // of the last batch
}

// newWorld begins a world without a batch. It is small, lest most of the time
// go to what is not tested: it has a few hundred samples a batch, of every kind.
func newWorld(t *testing.T) *world {
	w := &world{
		T:       t,
		program: heapstash,
		dir:     t.TempDir(),
		clock:   new(atomic.Int64),
		rand:    rand.New(rand.NewPCG(*seed, 0)),
		// Without disks, for theirs are the values that depend on when a
		// pass comes: metric-export shows those of the newest batch as floats.
		cluster: heapsim.NewCluster(heapsim.ClusterOptions{Seed: *seed, Nodes: 1, Namespaces: 2, Pods: 4, Containers: 1, NoDisks: true}),
		oracle:  oracle.New(),
		at:      noon,
	}
	w.sim = heapsim.New(heapsim.Options{Seed: *seed, Now: func() time.Time { return time.Unix(w.clock.Load(), 0).UTC() }})
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url = server.URL
	t.Logf("-seed %d", *seed)
	return w
}

// within is the world in a subtest.
func (w *world) within(t *testing.T) *world {
	inner := *w
	inner.T = t
	return &inner
}

// feed gives Heapster so many batches, which come so far apart. A pod or two
// are replaced in some of them.
func (w *world) feed(batches int, apart time.Duration) {
	for range batches {
		w.at = w.at.Add(apart)
		w.clock.Store(w.at.Unix())
		if w.rand.Float64() < 0.3 {
			w.cluster.Churn(1)
		}
		if w.rand.Float64() < 0.1 {
			w.cluster.Recreate(w.cluster.Pods()[w.rand.IntN(4)])
		}
		b := w.cluster.Next(w.at)
		w.sim.Feed(b)
		w.oracle.Feed(b, w.at, w.at)
	}
}

// collect is the command of a pass into the archive.
func (w *world) collect(archive string, more ...string) *exec.Cmd {
	return w.command(append([]string{"collect", "--heapster-url", w.url, "--db-file", archive, "--log-level", "error"}, more...)...)
}

// command is one of heapstash, without the settings of whoever runs the test.
func (w *world) command(arguments ...string) *exec.Cmd {
	cmd := exec.Command(w.program, arguments...)
	// Disks are filled to the last byte, but where that is not what is tested.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "HEAPSTASH_ARCHIVE_MIN_FREE=0"}
	return cmd
}

// ended is how a process ended.
type ended struct {
	code           int // -1: by a signal
	stdout, stderr string
	took           time.Duration
}

// run runs a command to its end.
func (w *world) run(cmd *exec.Cmd) ended { return w.runUntil(cmd, time.Minute) }

// runUntil kills the command if it has not ended by then.
func (w *world) runUntil(cmd *exec.Cmd, limit time.Duration) ended {
	w.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			w.Fatal(err)
		}
	}
	return ended{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

// must runs a command that exits with 0.
func (w *world) must(cmd *exec.Cmd) ended {
	w.Helper()
	e := w.run(cmd)
	if e.code != 0 {
		w.Fatalf("%q exits %d\n%s%s", cmd.Args[1:], e.code, e.stdout, e.stderr)
	}
	return e
}

// pass makes an undisturbed pass into the archive.
func (w *world) pass(archive string) ended {
	w.Helper()
	return w.must(w.collect(archive))
}

// file is a path for an archive in a directory of its own.
func (w *world) file(name string) string {
	w.Helper()
	dir := filepath.Join(w.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		w.Fatal(err)
	}
	return filepath.Join(dir, "a.db")
}

// copyOf copies an archive, and what stands beside it, into a directory of its
// own, in the place of what was there.
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

// sql asks the stock shell, which tells NULL from the empty string.
func (w *world) sql(archive, statement string) string {
	w.Helper()
	out, err := shell(w.Context(), "file:"+archive+"?mode=ro", statement)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func shell(ctx context.Context, archive, statement string) (string, error) {
	cmd := exec.CommandContext(ctx, "sqlite3", "-batch", "-bail", "-tabs", "-nullvalue", "NULL",
		"-cmd", ".timeout 10000", archive, statement)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("sqlite3: %w\n%s", err, &stderr)
	}
	return stdout.String(), nil
}

// Package install tests the files for other machines: the static program and its
// image, the Debian package, the systemd units, the line for cron, the manual page and
// the completions.
package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

const (
	version    = "v1.2.0-rc.1-4-gabcdef0"
	debVersion = "1.2.0~rc.1+4.gabcdef0"
)

// scratch is removed when the tests end.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := rig.Scratch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	rig.OnInterrupt()
	// A test runs programs in it as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	scratch = dir
	return m.Run()
}

// built is a copy of the repository, and the result of the image's build stage in it.
type built struct {
	dir    string
	output string
	err    error
}

// builtTree copies the files that a container engine sends to a build, and runs the
// Dockerfile's RUN lines there.
var builtTree = sync.OnceValue(func() built {
	b := built{dir: filepath.Join(scratch, "src")}
	if b.err = copyTree("../..", b.dir); b.err != nil {
		return b
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "deploy", "Dockerfile"))
	if err != nil {
		b.err = err
		return b
	}
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "RUN "); ok && b.err == nil {
			b.run("sh", "-c", command)
		}
	}
	return b
})

// copyTree copies the files that .dockerignore does not exclude. tar interprets its
// patterns as container engines do.
func copyTree(from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	copying := exec.Command("sh", "-c", `tar -C "$1" --exclude-from="$1/.dockerignore" -cf - . | tar -C "$2" -xf -`, "sh", from, to)
	copying.Stderr = os.Stderr
	return copying.Run()
}

func (b *built) run(command ...string) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = b.dir
	// MAKEFLAGS would contain the variables of a make that runs the tests.
	cmd.Env = append(os.Environ(), "MAKEFLAGS=", "VERSION="+version, "SOURCE_DATE_EPOCH=1500000000")
	output, err := cmd.CombinedOutput()
	b.output += string(output)
	if err != nil {
		b.err = fmt.Errorf("%q: %w", command, err)
	}
}

// buildTree returns the directory of builtTree.
func buildTree(t *testing.T) string {
	t.Helper()
	b := builtTree()
	if b.err != nil {
		t.Fatalf("%v\n%s", b.err, b.output)
	}
	return b.dir
}

// runMake runs make in the tree of builtTree.
func runMake(t *testing.T, arguments ...string) {
	t.Helper()
	b := built{dir: buildTree(t)}
	if b.run(append([]string{"make"}, arguments...)...); b.err != nil {
		t.Fatalf("%v\n%s", b.err, b.output)
	}
}

// startHeapster starts a stand-in with one batch, and returns its URL.
func startHeapster(t *testing.T) string {
	t.Helper()
	sim := rig.StartStandIn(t, heapsim.Options{}, heapsim.ClusterOptions{Nodes: 2, Namespaces: 2, Pods: 6, Containers: 1})
	sim.Scrape(time.Now().Truncate(time.Minute))
	return sim.URL
}

// quiet fails the test unless a command exits with 0 and prints nothing.
func quiet(t *testing.T, what string, cmd *exec.Cmd) {
	t.Helper()
	if o := rig.Run(t, cmd); o.Code != 0 || o.Stdout != "" || o.Stderr != "" {
		t.Errorf("%s exits %d, stdout %q, stderr %q; want 0 and silence", what, o.Code, o.Stdout, o.Stderr)
	}
}

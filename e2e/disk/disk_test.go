// Package disk tests heapstash on special file systems: a FUSE, one that is read-only,
// and one that is unmounted during `heapstash run`. It mounts them for real, so it needs
// root, and uses its own mount namespace.
package disk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// inside is set in the mount namespace.
const inside = "E2E_DISK_INSIDE"

var heapstash string // the program

func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(inside) != "" {
		os.Exit(run(m))
	}
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	cmd := exec.Command("unshare", append([]string{"--mount", "--propagation", "private", self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(m *testing.M) int {
	var err error
	if heapstash, err = rig.BuildHeapstash(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// startHeapster starts a stand-in with one batch, and returns its URL and the
// function that feeds its next batch, of 20 seconds later.
func startHeapster(t *testing.T) (url string, feed func()) {
	t.Helper()
	at := time.Now().Truncate(time.Minute).Add(-2 * time.Minute)
	sim := rig.StartStandIn(t, heapsim.Options{}, heapsim.ClusterOptions{Nodes: 2, Namespaces: 2, Pods: 6, Containers: 1})
	feed = func() {
		at = at.Add(20 * time.Second)
		sim.Scrape(at)
	}
	feed()
	return sim.URL, feed
}

// do runs heapstash, which must exit with that code, and returns its output.
func do(t *testing.T, code int, args ...string) string {
	t.Helper()
	o := rig.Run(t, exec.Command(heapstash, args...)).Want(t, code)
	return o.Stdout + o.Stderr
}

// directory makes a directory that every user can enter.
func directory(t *testing.T, parent, name string) string {
	t.Helper()
	path := filepath.Join(parent, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// mount mounts a file system until the test ends.
func mount(t *testing.T, source, target, kind string, flags uintptr) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, ""); err != nil {
		t.Fatalf("mount %s on %s: %v", source, target, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
			t.Error(err)
		}
	})
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwithout %q", text, want)
		}
	}
}

// Package disk tests heapstash on disks that are not quite right: a foreign
// file system, one that is read-only, one that is unmounted under a resident.
// They are real, so root alone can run it, in a mount namespace of its own.
package disk

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
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

// startHeapster starts a stand-in, and returns its URL and what gives it its
// next batch, of 20 seconds later.
func startHeapster(t *testing.T) (url string, feed func()) {
	t.Helper()
	at := time.Now().Truncate(time.Minute).Add(-2 * time.Minute)
	sim := heapsim.New(heapsim.Options{Now: func() time.Time { return at }})
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{Nodes: 2, Namespaces: 2, Pods: 6, Containers: 1})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	feed = func() {
		at = at.Add(20 * time.Second)
		sim.Feed(cluster.Next(at))
	}
	feed()
	return server.URL, feed
}

// do runs heapstash, which must end with that code, and returns what it wrote.
func do(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := exec.Command(heapstash, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%q exits %d, want %d\n%s", args, got, code, out)
	}
	return string(out)
}

// stock asks stock sqlite3.
func stock(t *testing.T, path, statement string) string {
	t.Helper()
	out, err := exec.Command(need.Program(t, "sqlite3"), "-cmd", ".timeout 10000", path, statement).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// directory makes one that every user reaches.
func directory(t *testing.T, parent, name string) string {
	t.Helper()
	path := filepath.Join(parent, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// mount mounts something until the test ends.
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

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("got\n%s\nwithout %q", text, want)
		}
	}
}

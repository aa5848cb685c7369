package main

import (
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
)

// If the directory is not writable, commands print one line and a hint, and change
// nothing. Root may write anywhere, so the commands run as the user nobody.
func TestReadOnlyDirectory(t *testing.T) {
	home := need.Directory(t)
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	directory := filepath.Join(home, "readonly")
	if err := os.Mkdir(directory, 0o555); err != nil {
		t.Fatal(err)
	}

	sim := heapsim.New(heapsim.Options{})
	sim.Feed(heapsim.NewCluster(heapsim.ClusterOptions{}).Next(time.Now()))
	server := httptest.NewServer(sim)
	defer server.Close()

	for command, wants := range map[string][]string{
		"collect": {"heapstash: archive readonly/a.db: ", "permission denied", "hint: its directory must be writable"},
		"doctor":  {"fault    directory ", "archive readonly/a.db: ", "permission denied\n", "           its directory must be writable"},
	} {
		cmd := exec.Command(binary, command, "--heapster-url", server.URL, "--db-file", "readonly/a.db")
		cmd.Dir = home
		asNobody(t, cmd)
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() != exitFailed {
			t.Errorf("%s ended with %v, want exit code %d", command, err, exitFailed)
		}
		for _, want := range wants {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: got\n%s\nwithout %q", command, out, want)
			}
		}
		if left, err := os.ReadDir(directory); err != nil || len(left) > 0 {
			t.Errorf("%s left behind: %v, %v", command, left, err)
		}
	}
}

// A user who may read the archive's files, and may not write them or their directory,
// can read the archive during a pass and between passes: with heapstash and with stock
// sqlite3.
func TestReadersWithoutWritePermission(t *testing.T) {
	home := need.Directory(t)
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	directory := filepath.Join(home, "data")
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "a.db")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pass := archive.Pass{Cluster: "default", Version: "test"}
	if _, err := store.BeginPass(t.Context(), pass); err != nil {
		t.Fatal(err)
	}
	read := func(program string, args ...string) (string, int) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Dir = home
		asNobody(t, cmd)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	readable := func(when, passes string) {
		t.Helper()
		for file, mode := range map[string]os.FileMode{path: 0o444, path + "-wal": 0o444, path + "-shm": 0o444, directory: 0o555} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
		defer os.Chmod(directory, 0o755)
		const query = "SELECT count(*) FROM passes"
		if out, code := read(binary, "sql", "--db-file", path, "--format", "csv", query); code != 0 || !strings.HasSuffix(out, "\n"+passes+"\n") {
			t.Errorf("%s, heapstash gives %d and %q", when, code, out)
		}
		if out, code := read(need.Program(t, "sqlite3"), "-readonly", path, query); code != 0 || out != passes+"\n" {
			t.Errorf("%s, sqlite3 gives %d and %q", when, code, out)
		}
	}
	readable("in a pass", "1")
	if _, err := store.BeginPass(t.Context(), pass); err != nil {
		t.Fatal(err)
	}
	readable("after a write", "2")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	readable("after the pass", "2")

	// As stock sqlite3 leaves it, if its user may write there.
	if err := errors.Join(os.Remove(path+"-wal"), os.Remove(path+"-shm"), os.Chmod(directory, 0o555)); err != nil {
		t.Fatal(err)
	}
	out, code := read(binary, "status", "--db-file", path)
	os.Chmod(directory, 0o755)
	if code != exitFailed || !strings.Contains(out, "hint: its -wal and -shm files must be there") || !strings.Contains(out, "heapstash snapshot") {
		t.Errorf("without them, heapstash gives %d and %q", code, out)
	}
}

// A user who may not read the archive's files gets a hint how its owner opens them, and
// no hint to make a directory writable.
func TestReadersWithoutReadPermission(t *testing.T) {
	home := need.Directory(t)
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	path := filepath.Join(home, "a.db")
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	refused := func(when string, wants ...string) {
		t.Helper()
		for _, args := range [][]string{{"status"}, {"query", "cpu/usage_rate"}, {"sql", "SELECT 1"}, {"export"}, {"check"}, {"snapshot", "b.db"}} {
			cmd := exec.Command(binary, append(args, "--db-file", "a.db")...)
			cmd.Dir = home
			asNobody(t, cmd)
			out, err := cmd.CombinedOutput()
			if err == nil || cmd.ProcessState.ExitCode() != exitFailed {
				t.Errorf("%s, %v ends with %v and %q, want exit code %d", when, args, err, out, exitFailed)
			}
			for _, want := range append(wants, "archive.mode", "`heapstash snapshot FILE`") {
				if !strings.Contains(string(out), want) {
					t.Errorf("%s, %v: got\n%s\nwithout %q", when, args, out, want)
				}
			}
			if strings.Contains(string(out), "writable") {
				t.Errorf("%s, %v wants a reader to write: %s", when, args, out)
			}
		}
	}
	refused("with the usual mode", "heapstash: archive a.db: this user may not read it: permission denied\n")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	refused("with a log of the usual mode")
}

// copyExecutable copies the test binary, which is heapstash under that name.
func copyExecutable(t *testing.T, to string) {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	from, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	copied, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(copied, from); err != nil {
		t.Fatal(err)
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
}

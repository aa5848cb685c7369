package main

import (
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
)

// A directory that may not be written to: one clear line, a hint, and nothing
// changed. Root may write anywhere, so the commands run as nobody.
func TestReadOnlyDirectory(t *testing.T) {
	home := openDirectory(t)
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
		if os.Geteuid() == 0 {
			const nobody = 65534
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
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

// openDirectory is a temporary directory that every user can read.
func openDirectory(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "heapstash-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	if err := os.Chmod(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	return directory
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

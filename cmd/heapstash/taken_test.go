package main

import (
	"bufio"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
)

const nobody = 65534

// asNobody makes a command run as the user nobody, if the test runs as root, for whom
// permissions do not count. It gives that user the files.
func asNobody(t *testing.T, cmd *exec.Cmd, files ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	for _, file := range files {
		if err := os.Chown(file, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
}

// If the archive of run is moved, replaced or made unreadable, there is an error in the
// log and at /readyz. run makes no other archive, and continues when it is back.
func TestRunMissesItsArchive(t *testing.T) {
	sim := heapsim.New(heapsim.Options{})
	sim.Feed(heapsim.NewCluster(heapsim.ClusterOptions{Pods: 4}).Next(time.Now()))
	server := httptest.NewServer(sim)
	defer server.Close()

	home := need.Directory(t)
	directory := filepath.Join(home, "data")
	file, away := filepath.Join(directory, "a.db"), filepath.Join(home, "away")
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)

	cmd := exec.Command(binary, "run", "--heapster-url", server.URL, "--db-file", "data/a.db",
		"--listen", "127.0.0.1:0", "--schedule", "@every 1s", "--log-format", "json")
	cmd.Dir = home
	asNobody(t, cmd, directory)
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(logs)
	base := "http://" + awaitLog(t, lines, "listening")["address"].(string)
	well := func() {
		t.Helper()
		for passes := 0; ; passes++ {
			line := awaitLog(t, lines, "pass")
			if line["msg"] == "pass" {
				break
			}
			if passes == 5 {
				t.Fatalf("got %v, want a pass that goes well", line)
			}
		}
		if status, body := get(t, base+"/readyz"); status != http.StatusOK {
			t.Errorf("/readyz: %d %s", status, body)
		}
	}
	// failing waits for a pass that fails for that reason, and not of what
	// overtook it as it wrote.
	failing := func(reason, hint string) {
		t.Helper()
		var line map[string]any
		for passes := 0; ; passes++ {
			line = awaitLog(t, lines, "pass")
			text, _ := line["error"].(string)
			if strings.Contains(text, reason) {
				break
			}
			if passes == 5 || text != "" && !strings.Contains(text, "wrote is lost") {
				t.Fatalf("got %v, want a pass that fails: %q", line, reason)
			}
		}
		if got, _ := line["hint"].(string); !strings.Contains(got, hint) {
			t.Errorf("of %q the hint is %q, want %q", reason, got, hint)
		}
		status, body := get(t, base+"/readyz")
		if status != http.StatusServiceUnavailable || !strings.Contains(body, reason) || !strings.Contains(body, "hint: ") {
			t.Errorf("/readyz: %d %s, want %q", status, body, reason)
		}
	}
	do := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	well()

	do(os.Rename(file, away))
	failing("no archive: it was there before", "started anew")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a new archive is there: %v", err)
	}
	do(os.Rename(away, file))
	well()

	another := exec.Command(binary, "collect", "--heapster-url", server.URL, "--db-file", "data/other.db")
	another.Dir = home
	asNobody(t, another)
	if out, err := another.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	other := filepath.Join(directory, "other.db")
	do(os.Link(file, away), os.Rename(other, file)) // there is a file at every moment
	failing("another archive than the one that was here before", "put the other one back")
	do(os.Rename(away, file))
	well()

	// As when a disk is not mounted.
	do(os.Rename(directory, away), os.Mkdir(directory, 0o755))
	failing("it was there before", "mount what it lies on")
	if left, err := os.ReadDir(directory); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	do(os.Remove(directory), os.Rename(away, directory))
	well()

	do(os.Chmod(file, 0))
	failing("permission denied", "must be writable")
	do(os.Chmod(file, 0o600))
	well()

	do(cmd.Process.Signal(syscall.SIGTERM))
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

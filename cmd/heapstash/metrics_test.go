package main

import (
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

// A pass is made even if its metrics cannot be written, and the exit code is 1. Root may
// write anywhere, so the commands run as the user nobody.
func TestMetricsInAReadOnlyDirectory(t *testing.T) {
	home := need.Directory(t)
	binary := filepath.Join(home, "heapstash")
	copyExecutable(t, binary)
	for name, mode := range map[string]os.FileMode{"readonly": 0o555, "archive": 0o777, "metrics": 0o777} {
		if err := os.Mkdir(filepath.Join(home, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(home, name), mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	sim := heapsim.New(heapsim.Options{})
	sim.Feed(heapsim.NewCluster(heapsim.ClusterOptions{}).Next(time.Now()))
	server := httptest.NewServer(sim)
	defer server.Close()
	run := func(metrics string) (int, string) {
		cmd := exec.Command(binary, "collect", "--json", "--heapster-url", server.URL, "--db-file", "archive/a.db", "--metrics-textfile", metrics)
		cmd.Dir = home
		if os.Geteuid() == 0 {
			const nobody = 65534
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		out, _ := cmd.CombinedOutput() // the exit code tells
		return cmd.ProcessState.ExitCode(), string(out)
	}

	code, out := run("readonly/m.prom")
	if code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	for _, want := range []string{
		`"pass":1,"outcome":"complete"`,
		"heapstash: metrics_textfile readonly/m.prom: ", "permission denied", "hint: its directory must exist and be writable",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s\nwithout %q", out, want)
		}
	}
	if left, err := os.ReadDir(filepath.Join(home, "readonly")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if code, out := run("metrics/m.prom"); code != exitDone {
		t.Errorf("exit code %d: %s", code, out)
	}
	text, err := os.ReadFile(filepath.Join(home, "metrics/m.prom"))
	if want := "\nheapstash_passes_total{cluster=\"default\",outcome=\"complete\"} 1\n"; err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%v: got\n%s\nwithout %s", err, text, want)
	}
}

package disk

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"heapstash/e2e/rig"
	"heapstash/internal/need"

	"golang.org/x/sys/unix"
)

const nobody = 65534

// TestResidentLosesItsDisk: the archive's file system is unmounted, mounted read-only,
// or belongs to another user. The log and /readyz say so, and no other archive is made.
// When it is back, run continues.
func TestResidentLosesItsDisk(t *testing.T) {
	rig.NeedRoot(t)
	home := t.TempDir()
	for path := home; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil { // for the user nobody
			t.Fatal(err)
		}
	}
	disk, data := directory(t, home, "disk"), directory(t, home, "data")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	program := filepath.Join(home, "heapstash")
	need.Copy(t, heapstash, program)
	must(os.Chmod(program, 0o755))
	must(os.Chown(disk, nobody, nobody))
	must(os.Chown(data, nobody, nobody))
	mount(t, disk, data, "", unix.MS_BIND)
	path := filepath.Join(data, "a.db")
	url, _ := startHeapster(t)

	cmd := exec.Command(program, "run", "--heapster-url", url, "--db-file", path,
		"--listen", "127.0.0.1:0", "--schedule", "@every 1s", "--log-format", "json")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	logs, err := cmd.StderrPipe()
	must(err)
	must(cmd.Start())
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(logs)
	next := func(accept func(line map[string]any) bool) map[string]any {
		t.Helper()
		for seen := 0; lines.Scan(); {
			var line map[string]any
			must(json.Unmarshal(lines.Bytes(), &line))
			if accept(line) {
				return line
			}
			if seen++; seen > 30 {
				break
			}
		}
		t.Fatalf("not in the log: the last line is %s", lines.Text())
		return nil
	}
	said := func(message string) func(map[string]any) bool {
		return func(line map[string]any) bool { return line["msg"] == message }
	}
	base := "http://" + next(said("listening"))["address"].(string)
	ready := func(status int, text string) {
		t.Helper()
		response, err := http.Get(base + "/readyz")
		must(err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		must(err)
		if response.StatusCode != status || !strings.Contains(string(body), text) {
			t.Errorf("/readyz: %d %s, want %d %s", response.StatusCode, body, status, text)
		}
	}
	well := func() {
		t.Helper()
		next(said("pass"))
		ready(http.StatusOK, "ok")
	}
	failing := func(reason, hint string) {
		t.Helper()
		line := next(func(line map[string]any) bool {
			text, _ := line["error"].(string)
			return line["msg"] == "pass failed" && strings.Contains(text, reason)
		})
		if got, _ := line["hint"].(string); !strings.Contains(got, hint) {
			t.Errorf("of %q the hint is %q, want %q", reason, got, hint)
		}
		ready(http.StatusServiceUnavailable, reason)
	}
	well()

	// Lazily, because a pass may be running.
	must(unix.Unmount(data, unix.MNT_DETACH))
	failing("no archive: it was there before", "mount what it lies on")
	if left, err := os.ReadDir(data); err != nil || len(left) > 0 {
		t.Errorf("made on what is underneath: %v, %v", left, err)
	}
	must(unix.Mount(disk, data, "", unix.MS_BIND, ""))
	well()

	for {
		err := unix.Mount("", data, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
		if err != unix.EBUSY { // a pass is running
			must(err)
			break
		}
	}
	failing("read-only file system", "mount it writable")
	must(unix.Mount("", data, "", unix.MS_REMOUNT|unix.MS_BIND, ""))
	well()

	must(os.Chown(path, 0, 0))
	failing("permission denied", "must be writable")
	must(os.Chown(path, nobody, nobody))
	well()

	must(cmd.Process.Signal(unix.SIGTERM))
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

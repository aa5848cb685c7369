package sqlite_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"heapstash/archive/sqlite"
	"heapstash/internal/need"
)

// asReader runs the sqlite3 shell as a user who may read what is in the
// directory and write nothing there: as nobody, for root may write anywhere.
func asReader(t *testing.T, directory, path, statement string) string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Chmod(filepath.Join(directory, e.Name()), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(directory, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(directory, 0o755)
	cmd := exec.Command(need.Program(t, "sqlite3"), path, statement)
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("sqlite3 as another user: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// Between two passes, when no process has the archive open, others read one
// that they may read, though they can make no file beside it.
func TestOthersReadBetweenPasses(t *testing.T) {
	directory := need.Directory(t)
	path := filepath.Join(directory, "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Mode: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, row(web0, noon, reading("uptime", 1)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := asReader(t, directory, path, "SELECT pod, uptime FROM pod"); got != "web-0|1" {
		t.Errorf("they see %s", got)
	}
}

// A snapshot needs no file beside it.
func TestOthersReadASnapshot(t *testing.T) {
	path := newPath(t)
	write(t, open(t, path), row(web0, noon, reading("uptime", 1)))
	directory := need.Directory(t)
	to := filepath.Join(directory, "s.db")
	if _, err := sqlite.TakeSnapshot(t.Context(), path, to, sqlite.SnapshotOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := asReader(t, directory, to, "SELECT pod, uptime FROM pod"); got != "web-0|1" {
		t.Errorf("they see %s", got)
	}
}

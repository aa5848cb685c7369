package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/archive/sqlite"
	"heapstash/internal/need"
)

// A user who may not read the machine's file gets a warning, and can read an archive. If
// the user's own file is not readable, commands fail.
func TestConfigThatMayNotBeRead(t *testing.T) {
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
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(file, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(home, "xdg", "heapstash", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("tries: 4"), 0o000); err != nil {
		t.Fatal(err)
	}
	run := func(variable string) (string, int) {
		t.Helper()
		cmd := exec.Command(binary, "sql", "--db-file", path, "--format", "csv", "--log-format", "text", "SELECT count(*) AS n FROM passes")
		cmd.Dir, cmd.Env = home, []string{variable, "HOME=" + home, goRace()}
		asNobody(t, cmd)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	out, code := run("SYSTEM_CONFIG=" + file)
	if code != 0 || !strings.HasSuffix(out, "\nn\n0\n") || !strings.Contains(out, "level=WARN msg=\"the machine's config file is not used: this user may not read it\" file="+file) {
		t.Errorf("the machine's file: %d\n%s", code, out)
	}
	out, code = run("XDG_CONFIG_HOME=" + filepath.Join(home, "xdg"))
	if code != exitFailed || !strings.Contains(out, "heapstash: config file: open "+file+": permission denied") {
		t.Errorf("the user's file: %d\n%s", code, out)
	}
}

package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"heapstash/internal/need"
)

// Python returns a Python that has the packages of the requirements, with their hashes. It
// installs them into bin/e2e/NAME of the repository, once for all tests.
func Python(tb testing.TB, name, requirements string) string {
	tb.Helper()
	path, err := installPython(name, requirements)
	if err != nil {
		need.Skip(tb, err)
	}
	return path
}

func installPython(name, requirements string) (string, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "heapstash").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(root)), "bin", "e2e", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	path, wanted := filepath.Join(dir, "bin", "python"), filepath.Join(dir, "requirements.txt")
	if installed, err := os.ReadFile(wanted); err == nil && string(installed) == requirements {
		return path, nil
	}
	list := wanted + ".new"
	if err := os.WriteFile(list, []byte(requirements), 0o644); err != nil {
		return "", err
	}
	for _, command := range []*exec.Cmd{
		exec.Command("/usr/bin/python3", "-m", "venv", dir), // Debian's package python3-venv
		exec.Command(path, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--requirement", list),
	} {
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("installing %s by %q: %w\n%s", name, command.Args, err, out)
		}
	}
	return path, os.Rename(list, wanted)
}

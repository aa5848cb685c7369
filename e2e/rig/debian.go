package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// BuildPackage builds the Debian package of the repository and returns its path.
func BuildPackage() (string, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "heapstash").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the module: %w", err)
	}
	dir := strings.TrimSpace(string(root))
	unlock, err := lock(filepath.Join(dir, "bin", "e2e", ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	command := exec.Command("make", "-s", "-C", dir, "deb")
	command.Env = append(os.Environ(), "MAKEFLAGS=") // without the flags of a make that runs the tests
	out, err := command.CombinedOutput()
	path := regexp.MustCompile(`(?m)^created package: (.*\.deb)$`).FindSubmatch(out)
	if err != nil || path == nil {
		return "", fmt.Errorf("%q: %w\n%s", command.Args, err, out)
	}
	return filepath.Join(dir, string(path[1])), nil
}

// Package rig builds and runs the programs that the tests and the benchmark
// of this module are about.
package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Programs are the paths of what Build has built.
type Programs struct {
	Heapster  string // of realheapster/
	Heapstash string
}

// Build builds the programs into dir, heapstash with the flags of `make build`
// lest it be compiled twice. It works in every directory of this module.
func Build(dir string) (Programs, error) {
	p := Programs{Heapster: filepath.Join(dir, "realheapster"), Heapstash: filepath.Join(dir, "heapstash")}
	modules, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "heapstash/e2e", "heapstash").Output()
	if err != nil {
		return p, fmt.Errorf("looking for the modules: %w", err)
	}
	here, root, _ := strings.Cut(strings.TrimSpace(string(modules)), "\n")
	if err := build(filepath.Join(here, "realheapster"), ".", p.Heapster); err != nil {
		return p, err
	}
	return p, build(root, "./cmd/heapstash", p.Heapstash)
}

func build(module, what, into string) error {
	command := exec.Command("go", "build", "-C", module, "-trimpath", "-o", into, what)
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %s: %w", filepath.Base(into), err)
	}
	return nil
}

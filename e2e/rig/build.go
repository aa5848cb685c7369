// Package rig builds and runs what the tests and programs of this module need:
// heapstash, a real Heapster or a stand-in, a real Kubernetes with Heapster behind a
// Service, InfluxDB, the sqlite3 shell, and a machine to install packages on.
package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Programs are the paths of what has been built.
type Programs struct {
	Heapster   string // realheapster/
	Heapstash  string
	Trial      string // heapstash with one more migration; by BuildTrial
	Static     string // heapstash as images have it; by BuildAll
	Kubernetes string // realkubernetes/; by BuildAll
	Kustomize  string // oldkustomize/; by BuildAll
}

// Build builds heapstash and the real Heapster into bin/e2e of the repository. It
// keeps programs that are up to date, because linking takes longer than many tests.
// It works in every directory of this module.
func Build() (Programs, error) { return build("heapster", "heapstash") }

// BuildAll also builds the static heapstash, the real Kubernetes and an old
// kustomize. The first build takes minutes.
func BuildAll() (Programs, error) {
	return build("heapster", "heapstash", "static", "kubernetes", "kustomize")
}

// BuildTrial builds a heapstash with one more format version, whose migration
// rewrites a table, and returns its path.
func BuildTrial() (string, error) {
	p, err := build("trial")
	return p.Trial, err
}

// BuildHeapstash builds only heapstash, and returns its path.
func BuildHeapstash() (string, error) {
	p, err := build("heapstash")
	return p.Heapstash, err
}

func build(names ...string) (Programs, error) {
	// No test depends on the machine's configuration files.
	if err := os.Setenv("HEAPSTASH_CONFIG", ""); err != nil {
		return Programs{}, err
	}
	modules, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "heapstash/e2e", "heapstash").Output()
	if err != nil {
		return Programs{}, fmt.Errorf("looking for the modules: %w", err)
	}
	here, root, _ := strings.Cut(strings.TrimSpace(string(modules)), "\n")
	dir := filepath.Join(root, "bin", "e2e")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Programs{}, err
	}
	unlock, err := lock(filepath.Join(dir, ".lock"))
	if err != nil {
		return Programs{}, err
	}
	defer unlock()

	p := Programs{
		Heapster:   filepath.Join(dir, "realheapster"),
		Heapstash:  filepath.Join(dir, "heapstash"),
		Trial:      filepath.Join(dir, "heapstash-trial"),
		Static:     filepath.Join(root, "bin", "static", "heapstash"),
		Kubernetes: filepath.Join(dir, "realkubernetes"),
		Kustomize:  filepath.Join(dir, "oldkustomize"),
	}
	for _, name := range names {
		switch name {
		case "heapster":
			err = goBuild(p.Heapster, filepath.Join(here, "realheapster"), ".")
		case "heapstash": // with the flags of `make build`, so that it is compiled once
			err = goBuild(p.Heapstash, root, "./cmd/heapstash")
		case "trial":
			err = goBuild(p.Trial, root, "./cmd/heapstash", "-tags=trialmigration")
		case "static":
			err = run(exec.Command("make", "-s", "-C", root, "static"))
		case "kubernetes":
			err = goBuild(p.Kubernetes, filepath.Join(here, "realkubernetes"), ".", "-ldflags=-s -w")
		case "kustomize":
			err = goBuild(p.Kustomize, filepath.Join(here, "oldkustomize"), "sigs.k8s.io/kustomize/kustomize/v4")
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

func goBuild(into, module, what string, flags ...string) error {
	arguments := append([]string{"build", "-C", module, "-trimpath", "-o", into}, flags...)
	return run(exec.Command("go", append(arguments, what)...))
}

func run(command *exec.Cmd) error {
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%q: %w", command.Args, err)
	}
	return nil
}

// lock lets one package build at a time: the tests of several run at once.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { file.Close() }, nil
}

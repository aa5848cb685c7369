package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

const (
	// SkipRoot, if it is 1 in the environment, leaves out what takes root, or
	// namespaces of the kernel's, where there are none to be had. Otherwise that
	// fails: a test that was not run is not green.
	SkipRoot = "HEAPSTASH_E2E_SKIP_ROOT"
	// SkipTools does the same for programs that a test asks for its verdict.
	SkipTools = "HEAPSTASH_TEST_SKIP_TOOLS"
	// leftOut names a file for a line on each thing that was left out: go test
	// says nothing of those.
	leftOut = "HEAPSTASH_E2E_LEFT_OUT"
)

// mountNamespace tells why this process can have no mount namespace.
var mountNamespace = sync.OnceValue(func() error {
	if os.Geteuid() != 0 {
		return errors.New("it takes root")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		return fmt.Errorf("it takes a mount namespace: `unshare --mount`: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
})

// networkNamespace tells why this process can have no network namespace.
func networkNamespace() error {
	if err := mountNamespace(); err != nil {
		return err
	}
	name, err := owned()
	if err != nil {
		return err
	}
	name += "-probe"
	err = ip("netns add " + name)
	if err == nil {
		err = ip("netns delete " + name)
	}
	if err != nil {
		return fmt.Errorf("it takes a network namespace (package iproute2): %w", err)
	}
	return nil
}

// NeedNetwork is for TestMain: it reports whether what takes a network
// namespace can be run here. If not, it says so; the error is one that must
// fail the tests, for nobody wants them left out.
func NeedNetwork(what string) (able bool, err error) {
	err = networkNamespace()
	if err == nil {
		return true, nil
	}
	if os.Getenv(SkipRoot) == "1" {
		LeaveOut(what, err)
		return false, nil
	}
	return false, fmt.Errorf("%s: %w; %s=1 leaves it out", what, err, SkipRoot)
}

// NeedRoot fails a test that root alone can run, unless it is to be left out.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	if err := mountNamespace(); err != nil {
		refuse(tb, SkipRoot, err)
	}
}

// NeedProgram fails a test for which a program is missing, unless it is to be
// left out.
func NeedProgram(tb testing.TB, program, debian string) {
	tb.Helper()
	if _, err := exec.LookPath(program); err != nil {
		refuse(tb, SkipTools, fmt.Errorf("it takes %s, of Debian's package %s", program, debian))
	}
}

func refuse(tb testing.TB, variable string, why error) {
	tb.Helper()
	if os.Getenv(variable) != "1" {
		tb.Fatalf("%v; %s=1 leaves it out", why, variable)
	}
	LeaveOut(tb.Name(), why)
	tb.Skip(why)
}

// LeaveOut says that something is not tested, and why, where `make e2e` shows
// it.
func LeaveOut(what string, why error) {
	line := fmt.Sprintf("LEFT OUT: %s: %v\n", what, why)
	fmt.Fprint(os.Stderr, line)
	path := os.Getenv(leftOut)
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteString(line)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

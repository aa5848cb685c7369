package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"heapstash/internal/need"
)

// SkipRoot, if it is 1 in the environment, leaves out what takes root, or
// namespaces of the kernel's, where there are none to be had. Otherwise that
// fails: a test that was not run is not green.
const SkipRoot = "E2E_SKIP_ROOT"

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
		need.LeaveOut(what, err)
		return false, nil
	}
	return false, fmt.Errorf("%s: %w; %s=1 leaves it out", what, err, SkipRoot)
}

// NeedRoot fails a test that root alone can run, unless it is to be left out.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	err := mountNamespace()
	if err == nil {
		return
	}
	if os.Getenv(SkipRoot) != "1" {
		tb.Fatalf("%v; %s=1 leaves it out", err, SkipRoot)
	}
	need.Skip(tb, err)
}

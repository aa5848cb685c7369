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

// SkipRoot is an environment variable. If it is 1, tests that need root or kernel
// namespaces are skipped where these are missing. Without it they fail, because a
// test that did not run has not passed.
const SkipRoot = "E2E_SKIP_ROOT"

// mountNamespace returns an error if this process cannot have a mount namespace.
var mountNamespace = sync.OnceValue(func() error {
	if os.Geteuid() != 0 {
		return errors.New("it takes root")
	}
	if out, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		return fmt.Errorf("it takes a mount namespace: `unshare --mount`: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
})

// networkNamespace returns an error if this process cannot have a network namespace.
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

// NeedNetwork is for TestMain: it reports whether tests in a network namespace can
// run here. If they cannot and [SkipRoot] is not set, it returns an error that must
// fail the tests.
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

// NeedRoot ends a test that needs root and a mount namespace if they are missing:
// the test fails, or is skipped with [SkipRoot].
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

package rig

import (
	"errors"
	"os"
	"testing"
)

// SkipRoot, if it is 1 in the environment, leaves out what takes root where
// there is none. Otherwise that fails: a test that was not run is not green.
const SkipRoot = "HEAPSTASH_E2E_SKIP_ROOT"

// ErrNeedsRoot is what to say where that fails.
var ErrNeedsRoot = errors.New("it takes root; " + SkipRoot + "=1 leaves out what does")

// NeedRoot fails a test that root alone can run, unless it is to be left out.
func NeedRoot(tb testing.TB) {
	tb.Helper()
	switch {
	case os.Geteuid() == 0:
	case os.Getenv(SkipRoot) == "1":
		tb.Skip("needs root, and ", SkipRoot, "=1 leaves such tests out")
	default:
		tb.Fatal(ErrNeedsRoot)
	}
}

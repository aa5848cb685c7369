// Package e2e tests heapstash against the real things.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"heapstash/e2e/rig"
)

// programs are built by TestMain.
var programs rig.Programs

func TestMain(m *testing.M) {
	var err error
	if programs, err = rig.Build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// must fails the test unless all is well.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

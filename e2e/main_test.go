// Package e2e tests heapstash against the handlers of the real Heapster.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"heapstash/e2e/rig"
)

// programs are the programs that TestMain builds.
var programs rig.Programs

func TestMain(m *testing.M) {
	var err error
	if programs, err = rig.Build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// must ends the test if there is an error.
func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

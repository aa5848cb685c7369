// Package e2e tests heapstash against the real things.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
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

// Heapster is a real one that belongs to a test.
type Heapster struct {
	URL  string // of the API, up to before /api/v1/model
	real *rig.Heapster
}

// StartHeapster starts a Heapster that has no batch yet, with the flags of
// realheapster. It ends with the test.
func StartHeapster(tb testing.TB, flags ...string) *Heapster {
	tb.Helper()
	real, err := rig.StartHeapster(programs.Heapster, flags...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := real.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return &Heapster{real.URL, real}
}

// Feed gives Heapster its next batch.
func (h *Heapster) Feed(tb testing.TB, batch heapsim.Batch) {
	tb.Helper()
	if err := h.real.Feed(batch); err != nil {
		tb.Fatal(err)
	}
}

// Restart empties Heapster.
func (h *Heapster) Restart(tb testing.TB) {
	tb.Helper()
	if err := h.real.Restart(); err != nil {
		tb.Fatal(err)
	}
}

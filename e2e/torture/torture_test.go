// Package torture kills heapstash, fails its system calls, fills its disk and
// reads its archive while it writes, and then looks at what is left. Each test
// has a stand-in Heapster whose batches and clock it moves itself.
package torture

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"heapstash/e2e/rig"
)

var (
	seed   = flag.Uint64("seed", 1, "what the kills, and which calls fail, depend on")
	rounds = flag.Int("rounds", 0, "how many kills in all; 0: 300, or 20 with -short")
	every  = flag.Int("every", 0, "how many system calls apart those are that fail, of those that read and write; 0: 10; with -short, 80, and one call of each name")
)

// heapstash is the program under test; TestMain builds it.
var heapstash string

// trial builds, when it is first asked to, one whose newest version is yet to
// come.
var trial = sync.OnceValues(rig.BuildTrial)

func TestMain(m *testing.M) {
	beSupervised() // does not return in a process that is to be
	flag.Parse()
	program, err := rig.BuildHeapstash()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	heapstash = program
	if *rounds == 0 {
		*rounds = 300
		if testing.Short() {
			*rounds = 20
		}
	}
	if *every == 0 {
		*every = 10
		if testing.Short() {
			*every = 80
		}
	}
	os.Exit(m.Run())
}

// needRoot fails a test that root alone can run, unless it is to be left out.
func needRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs root, which -short leaves out")
	}
	rig.NeedRoot(t)
}

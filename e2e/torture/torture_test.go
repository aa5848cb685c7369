// Package torture kills heapstash, makes its system calls fail, fills its disk and
// reads its archive during passes, and then checks the archive. Each test has a
// stand-in Heapster and moves its clock.
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
	seed   = flag.Uint64("seed", 1, "the seed of the kills and of the calls that fail")
	rounds = flag.Int("rounds", 0, "the number of kills; 0: 300, or 20 with -short")
	every  = flag.Int("every", 0, "one of so many reads and writes fails; 0: 10; with -short: 80, and one call of each name")
)

// heapstash is the program under test; TestMain builds it.
var heapstash string

// trial builds a heapstash with one more format version, at the first call.
var trial = sync.OnceValues(rig.BuildTrial)

func TestMain(m *testing.M) {
	beSupervised() // does not return in a supervised process
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

// needRoot skips a test that needs root if -short is set. Else it is [rig.NeedRoot].
func needRoot(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs root, which -short leaves out")
	}
	rig.NeedRoot(t)
}

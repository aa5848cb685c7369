package torture

import (
	"fmt"
	"heapstash/e2e/rig"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// TestKill kills heapstash (SIGKILL) at random moments of each of its
// operations. A moment is anywhere in the time that the operation takes
// undisturbed, and a little beyond.
//
// Of so many kills, a third are of one archive, again and again; each operation
// gets its share of the others.
func TestKill(t *testing.T) {
	var killed, parts atomic.Int64 // of the parts there are fewer with -run Of/NAME
	t.Run("Of", func(t *testing.T) {
		for _, o := range operations {
			t.Run(o.name, func(t *testing.T) {
				t.Parallel()
				killed.Add(killOperation(o.prepare(newWorld(t)), share(*rounds*2, 3*len(operations))))
				parts.Add(1)
			})
		}
		t.Run("EveryPass", func(t *testing.T) {
			t.Parallel()
			killed.Add(killPass(t, share(*rounds, 3)))
			parts.Add(1)
		})
	})
	t.Logf("%d kills", killed.Load())
	if killed.Load() < int64(*rounds) && parts.Load() > int64(len(operations)) {
		t.Errorf("there were to be %d", *rounds)
	}
}

// share divides, and rounds up.
func share(rounds, parts int) int { return (rounds + parts - 1) / parts }

// assassin kills a command at random moments.
type assassin struct {
	*world
	took      time.Duration // undisturbed, of late
	hit, late int
}

// time has the command end undisturbed once more.
func (a *assassin) time(e rig.Outcome) { a.took = e.Took }

// strike runs the command and kills it, and reports whether it lived to end.
func (a *assassin) strike(cmd *exec.Cmd) (e rig.Outcome, lived bool) {
	a.Helper()
	part := a.rand.Float64() * 1.02
	if a.rand.Float64() < 0.1 {
		part = 0.9 + a.rand.Float64()*0.2 // when it is about to end
	}
	delay := time.Duration(part * float64(a.took))
	e = rig.RunUntil(a, cmd, delay)
	switch e.Code {
	case -1:
		a.hit++
	case 0:
		a.late++
		a.time(e)
		return e, true
	default:
		a.Fatalf("killed after %v, it exits %d by itself\n%s", delay, e.Code, e.Stderr)
	}
	return e, false
}

func (a *assassin) report(where map[string]int) {
	a.Logf("%d killed within %v, %d ended before; left behind: %v", a.hit, a.took, a.late, where)
}

// killOperation: what is killed has done a part of its work or none, and the
// next one, which may be killed as well, does the rest.
func killOperation(op *operation, kills int) int64 {
	a := &assassin{world: op.world}
	where := make(map[string]int)
	for a.hit < kills {
		timed := op.copyOf(op.archive, "timed")
		a.time(op.must(op.command(timed)))
		archive := op.copyOf(op.archive, "killed")
		_, lived := a.strike(op.command(archive))
		for !lived && op.rand.Float64() < 0.3 { // and the one that would mend it
			_, lived = a.strike(op.command(archive))
		}
		state, done := op.left(op.world, archive)
		if lived && !done {
			op.Fatalf("it ended well and comes to %s", state)
		}
		where[state]++
		op.heals(op.world, archive)
		if op.Failed() {
			op.FailNow()
		}
	}
	a.report(where)
	return int64(a.hit)
}

// killPass: after every kill the next pass goes on, also where an hour closes,
// and after all of them the archive is that of a heapstash that nobody killed.
func killPass(t *testing.T, kills int) int64 {
	w := newWorld(t)
	archive := w.file("killed")
	w.at = noon.Add(50 * time.Minute)
	w.history(archive, 14) // up to 13:18; at 13:20 an hour closes, and then one an hour
	twin := w.copyOf(archive, "twin")
	a := &assassin{world: w}
	where := make(map[string]int)
	before := w.oracle.Samples()
	moved := func() string { return w.sql(archive, "SELECT ts FROM compaction WHERE table_name = 'pod'") }
	closings := 0
	for a.hit < kills || closings == 0 {
		w.feed(1, 2*time.Minute)
		w.oracle.Pass()
		after := w.oracle.Samples()
		a.time(w.pass(twin))
		compacted := moved()
		// The one that closes the first hour is killed in any case.
		for strikes := 1 + w.rand.IntN(3); strikes > 0 && (a.hit < kills || closings == 0); strikes-- {
			a.strike(w.collect(archive))
			stages, _ := w.whole(w.copyOf(archive, "look"), before, after)
			where[fmt.Sprintf("%d stages", stages)]++
		}
		w.pass(archive)
		w.holds(archive, after)
		before = after
		if moved() != compacted {
			closings++
		}
	}
	w.alike(w.cells(archive), w.cells(twin))
	if got := w.sql(archive, "SELECT count(*) FROM passes WHERE outcome NOT IN ('complete', 'abandoned')"); got != "0" {
		t.Errorf("%s passes are neither complete nor abandoned", got)
	}
	hours := w.sql(archive, "SELECT count(DISTINCT ts / 3600) FROM pod_cold")
	if hours != fmt.Sprint(closings) {
		t.Errorf("%d hours were closed, and pod_cold has %s", closings, hours)
	}
	a.report(where)
	t.Logf("%d hours were closed meanwhile", closings)
	return int64(a.hit)
}

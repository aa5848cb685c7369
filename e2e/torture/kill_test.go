package torture

import (
	"fmt"
	"heapstash/e2e/rig"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// TestKill kills heapstash (SIGKILL) at random moments of each operation, up to a
// little after its usual end. A third of the kills hit passes into one archive, again
// and again. The operations share the others.
func TestKill(t *testing.T) {
	var killed, parts atomic.Int64 // fewer parts with -run Of/NAME
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
		t.Errorf("there must be %d", *rounds)
	}
}

// share divides, and rounds up.
func share(rounds, parts int) int { return (rounds + parts - 1) / parts }

// assassin kills a command at random moments.
type assassin struct {
	*world
	took      time.Duration // of the last run that was not killed
	hit, late int
}

// strike runs the command and kills it. It reports whether the command ended before.
func (a *assassin) strike(cmd *exec.Cmd) (e rig.Outcome, lived bool) {
	a.Helper()
	part := a.rand.Float64() * 1.02
	if a.rand.Float64() < 0.1 {
		part = 0.9 + a.rand.Float64()*0.2 // near the end
	}
	delay := time.Duration(part * float64(a.took))
	e = rig.RunUntil(a, cmd, delay)
	switch e.Code {
	case -1:
		a.hit++
	case 0:
		a.late++
		a.took = e.Took
		return e, true
	default:
		a.Fatalf("the command that was to be killed after %v exits %d\n%s", delay, e.Code, e.Stderr)
	}
	return e, false
}

func (a *assassin) report(where map[string]int) {
	a.Logf("%d killed within %v, %d ended before; left behind: %v", a.hit, a.took, a.late, where)
}

// killOperation kills an operation, and sometimes its repetition. The last repetition
// must do the rest.
func killOperation(op *operation, kills int) int64 {
	a := &assassin{world: op.world}
	where := make(map[string]int)
	for a.hit < kills {
		timed := op.copyOf(op.archive, "timed")
		a.took = op.must(op.command(timed)).Took
		archive := op.copyOf(op.archive, "killed")
		_, lived := a.strike(op.command(archive))
		for !lived && op.rand.Float64() < 0.3 { // the repetition, too
			_, lived = a.strike(op.command(archive))
		}
		state, done := op.examineCopy(op.world, archive)
		if lived && !done {
			op.Fatalf("it exits 0, and the archive is %s", state)
		}
		where[state]++
		op.repeat(op.world, archive)
		if op.Failed() {
			op.FailNow()
		}
	}
	a.report(where)
	return int64(a.hit)
}

// killPass kills passes into one archive, also passes that compact an hour. After
// each kill the next pass continues. In the end the archive must be equal to one
// whose passes were not killed.
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
		a.took = w.pass(twin).Took
		compacted := moved()
		// The pass that compacts the first hour is killed in any case.
		for strikes := 1 + w.rand.IntN(3); strikes > 0 && (a.hit < kills || closings == 0); strikes-- {
			a.strike(w.collect(archive))
			stages, _ := w.stages(w.copyOf(archive, "examined"), before, after)
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

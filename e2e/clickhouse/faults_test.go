package clickhouse

import (
	"slices"
	"sync"

	"heapstash/e2e/rig"
)

// faults are tests that share one cluster. Each has a database of its own, and leaves
// every process running.
var faults = []struct {
	name string
	test func(*world)
}{
	{"Undisturbed", undisturbed},
	{"CollectorKilled", collectorKilled},
	{"SentTwice", sentTwice},
	{"TwoCollectors", twoCollectors},
}

// disturb feeds a batch and makes a pass while something happens to it. Afterwards a
// pass over the same batch, and later ones, must make the archive right.
func (w *world) disturb(before func(insert), answered func(insert) bool) rig.Outcome {
	w.Helper()
	w.feed()
	w.oracle.Pass()
	w.tap.watch(before, answered)
	return w.run(w.collect())
}

// recovers checks the archive after a fault whose cause is gone.
func (w *world) recovers() {
	w.Helper()
	w.servers.Await(w)
	for range 2 {
		w.pass()
		w.holds()
		w.feed()
	}
}

// The moments of a pass: rows of the cluster, rows of pods, then their watermarks, and
// the end.
var (
	atFirstRows  = moment{"cluster_rows", 0}
	atPods       = moment{"pod_rows", 0}
	atWatermarks = moment{"watermark_rows", 1}
	atLastRows   = moment{"container_rows", 0}
)

// undisturbed: without a fault, every server has the same answer.
func undisturbed(w *world) {
	w.begin()
	w.feed()
	w.pass()
	w.holds()
	for _, m := range []moment{atFirstRows, atPods, atWatermarks, atLastRows} {
		if !slices.ContainsFunc(w.tap.seen(), func(in insert) bool { return in.moment == m }) {
			w.Errorf("a pass has no moment %v", m)
		}
	}
}

// collectorKilled: the collector is killed between rows and watermarks, and after an
// insert whose answer it does not get.
func collectorKilled(w *world) {
	w.begin()
	for _, m := range []moment{atPods, atWatermarks} {
		for _, after := range []bool{false, true} {
			w.feed()
			w.oracle.Pass()
			pass := w.collect()
			kill := func(in insert) bool {
				if in.moment == m {
					_ = pass.Process.Kill()
				}
				return in.moment != m
			}
			if after {
				w.tap.watch(nil, kill)
			} else {
				w.tap.watch(func(in insert) { kill(in) }, nil)
			}
			if e := w.run(pass); e.Code != -1 {
				w.Errorf("the pass was to be killed at %v, and exits %d\n%s", m, e.Code, e.Stderr)
			}
			w.recovers()
		}
	}
}

// sentTwice: a server executes an insert, and the collector does not get the answer, so
// that the same rows are sent again, by this pass or by the next one.
func sentTwice(w *world) {
	w.begin()
	for _, m := range []moment{atPods, atWatermarks, atLastRows} {
		w.disturb(nil, func(in insert) bool { return in.moment != m })
		w.recovers()
	}
}

// twoCollectors: two passes of one cluster are at the same moment.
func twoCollectors(w *world) {
	w.begin()
	other := startTap(w.T, "127.0.0.1", w.servers.Addresses())
	for _, m := range []moment{atFirstRows, atWatermarks} {
		w.feed()
		w.oracle.Pass()
		var met sync.WaitGroup
		met.Add(2)
		meet := func(in insert) {
			if in.moment == m {
				met.Done()
				met.Wait()
			}
		}
		w.tap.watch(meet, nil)
		other.watch(meet, nil)
		first, second := w.collect(), w.collect()
		second.Args[slices.Index(second.Args, w.url())] = w.url(other.addresses...)
		var both sync.WaitGroup
		outcomes := make([]rig.Outcome, 2)
		both.Go(func() { outcomes[0] = w.run(first) })
		both.Go(func() { outcomes[1] = w.run(second) })
		both.Wait()
		for _, e := range outcomes {
			if e.Code != 0 {
				w.Errorf("exit code %d, want 0\n%s", e.Code, e.Stderr)
			}
		}
		w.recovers()
	}
}

package collect_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

func TestPassStoresEverySampleOnce(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a", "b")...)
	w.feed(1, small(1, "a", "b")...)
	w.pass(archive.OutcomeComplete, 16)
	w.pass(archive.OutcomeComplete, 0)
	w.feed(2, small(2, "a", "b")...)
	summary := w.pass(archive.OutcomeComplete, 8)
	if summary.Pass.Entities != 5 || summary.Pass.Gap != 0 || !summary.Pass.Newest.Time().Equal(noon.Add(2*time.Minute)) {
		t.Errorf("summary: %+v", summary.Pass)
	}
	w.want("SELECT kind, pod, metric, group_concat(value) FROM samples GROUP BY kind, pod, metric ORDER BY kind, pod, metric",
		"cluster||memory/request|0,1,2\ncluster||memory/usage|0,1,2\nnamespace||memory/request|0,1,2\nnode||cpu/usage|0,1,2\n"+
			"pod|a|memory/rss|0,1,2\npod|a|memory/usage|0,1,2\npod|b|memory/rss|0,1,2\npod|b|memory/usage|0,1,2")
	w.want("SELECT outcome, samples_new FROM passes", "complete|16\ncomplete|0\ncomplete|8")
}

func TestLastMinutesOfEndedPods(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a", "b")...)
	w.pass(archive.OutcomeComplete, 8)
	w.feed(1, small(1, "a", "b")...)
	w.feed(2, small(2, "a")...) // b is listed no more, and its minute 1 was not read yet
	w.pass(archive.OutcomeComplete, 8+6)
	w.want("SELECT group_concat(value) FROM samples WHERE pod = 'b' AND metric = 'memory/rss'", "0,1")
	w.want("SELECT pod, last_seen, listed FROM entities WHERE kind = 'pod'", "a|1506513720|1\nb|1506513600|0")
	for minute := 3; minute < 30; minute++ {
		w.feed(minute, small(minute, "a")...)
		w.pass(archive.OutcomeComplete, 6)
	}
	// It comes back under its name: nothing of it is asked from a watermark
	// that others moved.
	w.feed(30, small(30, "a", "b")...)
	w.feed(31, small(31, "a", "b")...)
	w.pass(archive.OutcomeComplete, 16)
	w.want("SELECT group_concat(value) FROM samples WHERE pod = 'b' AND metric = 'memory/rss'", "0,1,30,31")
}

func TestPodThatComesBack(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a", "b")...)
	w.pass(archive.OutcomeComplete, 8)
	for minute := 1; minute < 8; minute++ {
		w.feed(minute, small(minute, "a")...)
		w.pass(archive.OutcomeComplete, 6)
	}
	// By now b is asked for its long metrics only.
	w.feed(8, small(8, "a", "b")...)
	w.pass(archive.OutcomeComplete, 8)
	w.want("SELECT group_concat(value) FROM samples WHERE pod = 'b' AND metric = 'memory/rss'", "0,8")
}

func TestLastMinutesOfEndedPodsAfterALongPause(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a", "b")...)
	w.pass(archive.OutcomeComplete, 8)
	for minute := 1; minute < 30; minute++ {
		w.feed(minute, small(minute, "a", "b")...)
	}
	w.feed(30, small(30, "a")...)
	if _, err := w.try(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("SELECT group_concat(value) FROM samples WHERE pod = 'b' AND metric = 'memory/rss'", "0,28,29")
}

func TestPassAsksForMetricsOutsideTheRegistry(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	odd := func(minute int, names ...schema.MetricName) []heapsim.Set {
		values := make(map[schema.MetricName]int64)
		for _, name := range names {
			values[name] = int64(minute)
		}
		return append(small(minute, "a"), set(schema.PodEntity("shop", "odd"), values))
	}
	names := []schema.MetricName{"custom/foo/bar", "custom/exec_count", "custom/ünï %?", "cpu/usage", "brand_new"}
	w.feed(0, odd(0, "custom/foo/bar")...)
	w.pass(archive.OutcomeComplete, 7)
	w.feed(1, odd(1, names...)...)
	w.feed(2, odd(2, names...)...)
	w.pass(archive.OutcomeComplete, 2*(6+len(names)))
	w.want("SELECT metric, group_concat(value) FROM samples WHERE pod = 'odd' GROUP BY metric ORDER BY metric",
		"brand_new|1,2\ncpu/usage|1,2\ncustom/exec_count|1,2\ncustom/foo/bar|0,1,2\ncustom/ünï %?|1,2")
}

func TestFailedScopeIsAHoleThatTheNextPassFills(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	other := set(schema.PodEntity("other", "x"), map[schema.MetricName]int64{"memory/rss": 9})
	w.feed(0, append(small(0, "a"), other)...)
	w.pass(archive.OutcomeComplete, 7)
	w.sim.Inject("/namespaces/shop/pod-list/", 0, heapstertest.Answer(http.StatusInternalServerError, nil, "boom"))
	w.feed(1, append(small(1, "a"), other)...)
	summary := w.pass(archive.OutcomePartial, 5)
	if got := causes(summary); got != "pod/shop:unreachable" {
		t.Errorf("holes: %s", got)
	}
	w.want("SELECT kind, name, ts FROM watermark WHERE kind = 'pod' ORDER BY name", "pod|other|1506513660\npod|shop|1506513600")
	w.want("SELECT kind, namespace, cause FROM holes", "pod|shop|unreachable")
	w.sim.Heal()
	w.pass(archive.OutcomeComplete, 2)
}

func TestWithoutAllKeysTheListsServe(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true})
	for minute := range 3 {
		w.feed(minute, small(minute, "a")...)
		summary := w.pass(archive.OutcomeComplete, 6)
		if got := causes(summary); got != "pass:allkeys" {
			t.Errorf("holes: %s", got)
		}
	}
	w.want("SELECT cause, lasting, count(*) FROM holes GROUP BY 1, 2", "allkeys|1|1")
}

func TestUnreadableListLeavesItsPodsAlone(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.feed(1, small(1, "a")...)
	w.sim.Inject("/namespaces/shop/pods/$", 1, heapstertest.Answer(http.StatusForbidden, nil, "Forbidden"))
	summary := w.pass(archive.OutcomePartial, 6)
	if got := causes(summary); got != "pass:allkeys pod/shop:refused" {
		t.Errorf("holes: %s", got)
	}
	w.want("SELECT pod, listed FROM entities WHERE kind = 'pod'", "a|1")
}

func TestLatePassKnowsWhatItLost(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	for minute := range 11 {
		w.feed(minute, small(minute, "a")...)
		if minute == 0 {
			w.pass(archive.OutcomeComplete, 6)
		}
	}
	// Three batches are whole (8 to 10), of the seven before two series are left.
	summary := w.pass(archive.OutcomePartial, 3*6+7*2)
	if summary.Pass.Gap != 7*time.Minute || causes(summary) != "pass:late" {
		t.Errorf("gap %v, holes %s", summary.Pass.Gap, causes(summary))
	}
	w.want("SELECT from_time, to_time, seconds, cause FROM gaps", "2017-09-27T12:01:00Z|2017-09-27T12:07:59Z|420|late")
}

func TestGapKnowsThePassesThatFailed(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.sim.Inject("/", 0, heapstertest.Answer(http.StatusServiceUnavailable, nil, "no"))
	for minute := 1; minute < 6; minute++ {
		w.feed(minute, small(minute, "a")...)
		if _, err := w.try(t.Context()); err == nil {
			t.Fatal("a pass did not fail")
		}
	}
	w.sim.Heal()
	summary := w.pass(archive.OutcomePartial, 3*6+2*2)
	if causes(summary) != "pass:failed" || summary.Pass.Gap != 2*time.Minute {
		t.Errorf("gap %v, holes %s", summary.Pass.Gap, causes(summary))
	}
}

func TestGapOfAScopeThatFailed(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.sim.Inject("/pod-list/", 0, heapstertest.Answer(http.StatusInternalServerError, nil, "boom"))
	for minute := 1; minute < 6; minute++ {
		w.feed(minute, small(minute, "a")...)
		w.pass(archive.OutcomePartial, 4)
	}
	w.sim.Heal()
	w.pass(archive.OutcomePartial, 3+5) // five minutes of the long metric, three of the other
	w.want("SELECT kind, namespace, from_time, to_time, seconds, cause FROM gaps",
		"pod|shop|2017-09-27T12:01:00Z|2017-09-27T12:02:59Z|120|failed")
	w.pass(archive.OutcomeComplete, 0)
}

func TestNamespaceThatComesBackHasNoGap(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	guest := set(schema.PodEntity("guest", "x"), map[schema.MetricName]int64{"memory/rss": 9})
	const back = 40
	for minute := range back + 1 {
		sets, samples := small(minute, "a"), 6
		if minute == 0 || minute == back {
			sets, samples = append(sets, guest), 7
		}
		w.feed(minute, sets...)
		w.pass(archive.OutcomeComplete, samples)
	}
}

func TestRestartedHeapster(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.sim.Restart()
	w.set(w.now().Add(time.Minute))
	summary := w.pass(archive.OutcomePartial, 0)
	if got := causes(summary); got != "pass:empty" {
		t.Errorf("empty: %s", got)
	}
	w.want("SELECT count(*) FROM entities WHERE listed", "4")
	w.feed(5, small(5, "a")...)
	summary = w.pass(archive.OutcomePartial, 6)
	if got := causes(summary); got != "pass:restarted" || summary.Pass.Gap != 4*time.Minute {
		t.Errorf("restarted: %s, gap %v", got, summary.Pass.Gap)
	}
}

func TestStaleHeapster(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.set(w.now().Add(4 * time.Minute))
	if got := causes(w.pass(archive.OutcomePartial, 0)); got != "pass:stale" {
		t.Errorf("holes: %s", got)
	}
}

func TestClockSetBack(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(10, small(10, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	w.sim.Restart()
	w.feed(5, small(5, "a")...)
	w.feed(6, small(6, "a")...)
	if got := causes(w.pass(archive.OutcomeComplete, 12)); got != "pass:clock" {
		t.Errorf("holes: %s", got)
	}
	w.want("SELECT DISTINCT ts FROM watermark", "1506513960")
	w.feed(7, small(7, "a")...)
	w.pass(archive.OutcomeComplete, 6)
}

func TestBatchThatLandsDuringAPass(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	var landed atomic.Bool
	w.sim.Inject("/metrics/memory/rss$", 1, func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if landed.CompareAndSwap(false, true) {
				w.feed(1, small(1, "a")...)
			}
			truly.ServeHTTP(rw, r)
		})
	})
	summary, err := w.try(t.Context())
	if err != nil || !landed.Load() {
		t.Fatal(err, landed.Load())
	}
	if summary.Pass.Horizon.Time() != noon {
		t.Errorf("horizon %v", summary.Pass.Horizon)
	}
	w.want("SELECT DISTINCT ts FROM watermark", "1506513600")
	w.pass(archive.OutcomeComplete, 12-summary.Pass.New) // what the first pass saw of it, and the rest
}

func TestForeignClusterIsRefused(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.pass(archive.OutcomeComplete, 6)
	foreign := small(1, "a")
	foreign[1] = set(schema.NodeEntity("m1"), map[schema.MetricName]int64{"cpu/usage": 1})
	w.feed(1, foreign...)
	_, err := w.try(t.Context())
	var refused *collect.ForeignClusterError
	if !errors.As(err, &refused) || refused.Found != "m1" || refused.Known != "n1" || refused.Hint() == "" {
		t.Fatalf("error: %v", err)
	}
	w.want("SELECT count(*) FROM samples", "6")
	w.want("SELECT outcome FROM passes", "complete\nfailed")
	w.options.AcceptNewNodes = true
	w.pass(archive.OutcomeComplete, 6)
}

func TestScopeOfNamespacesAndKinds(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	other := set(schema.PodEntity("other-1", "x"), map[schema.MetricName]int64{"memory/rss": 9})
	w.options.ExcludeNamespaces = []string{"other-*"}
	w.options.Kinds = []schema.Kind{schema.Pod}
	w.feed(0, append(small(0, "a"), other)...)
	w.pass(archive.OutcomeComplete, 2)
	w.options.Namespaces, w.options.ExcludeNamespaces = []string{"other-?"}, nil
	w.feed(1, append(small(1, "a"), other)...)
	w.pass(archive.OutcomeComplete, 2)
	w.want("SELECT DISTINCT namespace FROM samples ORDER BY 1", "other-1\nshop")
}

func TestUnreachableHeapsterFailsThePass(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.sim.Inject("/", 0, heapstertest.Cut(0))
	summary, err := w.try(t.Context())
	if !errors.Is(err, schema.ErrUnreachable) || summary.Pass.Outcome != archive.OutcomeFailed {
		t.Fatalf("%v, %+v", err, summary.Pass)
	}
	w.want("SELECT outcome, error IS NOT NULL, samples_new FROM passes", "failed|1|0")
}

func TestPassGivesUpOnAHeapsterThatDied(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	sets := small(0)
	for _, ns := range []string{"a", "b", "c", "d", "e", "f"} {
		sets = append(sets, set(schema.PodEntity(ns, "x"), map[schema.MetricName]int64{"memory/rss": 1}))
	}
	w.feed(0, sets...)
	w.sim.Inject("/pod-list/", 0, heapstertest.Cut(0))
	summary := w.pass(archive.OutcomePartial, 4)
	if len(summary.Holes) != 6 || summary.Pass.Requests > 150 {
		t.Errorf("%d requests, holes %s", summary.Pass.Requests, causes(summary))
	}
	w.sim.Heal()
	w.pass(archive.OutcomeComplete, 6)
}

func TestInterruptedPass(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, small(0, "a")...)
	w.interrupt("/pod-list/")
	w.want("SELECT outcome, error FROM passes", "failed|context canceled")
	w.pass(archive.OutcomeComplete, 2) // the rest was stored before
	w.want("SELECT count(*) FROM samples", "6")
}

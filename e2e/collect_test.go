package e2e

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"heapstash/e2e/oracle"
	"heapstash/schema"
)

const minute = time.Minute

func TestCollectStoresEverySampleOnce(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	type values = map[schema.MetricName]schema.Value
	cast := []member{
		pod("shop", "web-0"), pod("bank", "web-0"), pod("bank", "exec-0"), container("shop", "web-0", "app"),
		pod("shop", "numbers").with(values{
			"memory/working_set": schema.Int(-1),
			"uptime":             schema.Int(1<<53 + 1),
			"network/rx":         schema.Int(math.MaxInt64),
			"network/tx":         schema.Int(math.MinInt64),
			"network/rx_rate":    schema.Real(2.999),
			"network/tx_rate":    schema.Real(-2.999),
			"cpu/load":           schema.Real(0.2551),
			"memory/rss":         schema.Real(-2),
		}),
		pod("shop", "floats").with(values{"cpu/usage_rate": schema.Real(2.999), "memory/usage": schema.Real(4096)}),
		pod("shop", "custom").with(values{
			"custom/foo/bar":    schema.Int(4),
			"custom/foo":        schema.Int(5),
			"custom/exec_count": schema.Int(-6),
			"custom/ünï %?":     schema.Real(7.5),
			"custom/'\"`; --":   schema.Int(8),
			"brand/new":         schema.Int(9),
			"cpu/usage":         schema.Int(10), // pods do not usually carry it
		}),
		node("n1").with(values{"cpu/node_utilization": schema.Real(0.97), "custom/temperature": schema.Int(-11)}),
		node("n2"),
		namespace("bank").with(values{"custom/accounts": schema.Int(12), "uptime": schema.Int(13)}),
		cluster().with(values{"custom/total": schema.Int(-14)}),
	}
	s.feed(2*minute, cast...)
	s.feed(1*minute, cast...)
	s.collect()
	if second := s.collect(); second.New != 0 {
		t.Errorf("a second pass adds %d samples", second.New)
	}
	s.feed(0, cast...)
	s.collect()
}

func TestCollectAtEverySecondBatch(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for ago := 120 * time.Second; ago >= 0; ago -= 20 * time.Second {
		s.feed(ago, pod("shop", "a"), pod("shop", "b"))
		if ago%(40*time.Second) == 0 {
			s.collect()
		}
	}
}

func TestLastMinutesOfEndedPods(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	a, b := pod("shop", "a"), pod("shop", "b")
	last := pod("bank", "last").with(map[schema.MetricName]schema.Value{"custom/foo": schema.Int(1)})
	s.feed(120*time.Second, a, b, last, node("n2"))
	s.collect()
	s.feed(100*time.Second, a, b, last, node("n2")) // no pass
	s.feed(80*time.Second, a)                       // b, last, its namespace and the node n2 are gone
	s.collect()
	s.feed(60*time.Second, a, last) // last is back
	s.collect()
	s.feed(40*time.Second, a, last)
	s.feed(20*time.Second, a, pod("shop", "mayfly")) // no list shows it at a pass
	s.feed(0, a)
	s.collect()
}

func TestCollectAfterAPodWasRecreated(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	incarnation := func(restarts int64) member {
		return pod("shop", "web-0").with(map[schema.MetricName]schema.Value{"restart_count": schema.Int(restarts)})
	}
	s.feed(100*time.Second, incarnation(5))
	s.collect()
	s.feed(80*time.Second, incarnation(5)) // and it ends
	s.feed(60*time.Second, pod("shop", "other"))
	s.feed(40*time.Second, incarnation(0), pod("shop", "other"))
	s.collect()
	s.feed(20*time.Second, pod("shop", "other"))
	s.collect()
	s.feed(0, incarnation(1), pod("shop", "other"))
	s.collect()
}

func TestCollectAfterABatchThatCameLate(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.feed(40*time.Second, pod("shop", "a"))
	s.feed(0, pod("shop", "a"))
	s.collect()
	s.feed(20*time.Second, pod("shop", "a"))
	s.collect()
}

// pause makes a pass over a batch that is so old, and feeds a batch for every minute
// since, the last one without the pod b.
func (s *story) pause(long time.Duration) {
	s.Helper()
	s.feed(long, pod("shop", "a"), pod("shop", "b"))
	s.collect("stale")
	for ago := long - minute; ago > 0; ago -= minute {
		s.feed(ago, pod("shop", "a"), pod("shop", "b"))
	}
	s.feed(0, pod("shop", "a"))
}

func TestCollectAfterAPause(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.pause(12 * minute)
	// Of batches older than 3 minutes, Heapster only has the two long metrics.
	if late := s.collect("late"); late.GapSeconds != 9*60 {
		t.Errorf("a gap of %d seconds", late.GapSeconds)
	}
	s.gaps(s.gap(11*minute, 2*minute+time.Second, "late"))
	s.collect()
}

func TestCollectAfterAPauseLongerThanHeapstersMemory(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.pause(30 * minute) // Heapster still has b's last batches
	if late := s.collect("late"); late.GapSeconds != 27*60 {
		t.Errorf("a gap of %d seconds", late.GapSeconds)
	}
	s.gaps(s.gap(29*minute, 2*minute+time.Second, "late"))
	s.collect()
}

func TestCollectAfterHeapsterWasRestarted(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.feed(2*minute, pod("shop", "a"))
	s.collect()
	s.feed(1*minute, pod("shop", "a")) // no pass
	s.restart()
	s.collect("empty")
	s.feed(0, pod("shop", "a"))
	if sum := s.collect("restarted"); sum.GapSeconds != 60 {
		t.Errorf("a gap of %d seconds", sum.GapSeconds)
	}
	s.gaps(s.gap(1*minute, time.Second, "restarted"))
	s.collect()
}

// disks returns file systems of different sizes. Every second size has a fraction.
func disks(names ...string) map[string]schema.Value {
	sizes := make(map[string]schema.Value)
	for i, name := range names {
		if sizes[name] = schema.Int(int64(1000 + i)); i%2 == 1 {
			sizes[name] = schema.Real(1000.5 + float64(i))
		}
	}
	return sizes
}

// everyKind is a cluster of all kinds, with names and values that are hard to read
// from Heapster.
func everyKind() []member {
	type values = map[schema.MetricName]schema.Value
	return []member{
		node("n1").on(disks("/dev/sda1", "/dev/sdb1:x")), node("n2").on(disks("/", "/var")),
		systemContainer("n1", "kubelet"), systemContainer("n1", "system.slice/docker.service"),
		systemContainer("n1", "docker-daemon"), systemContainer("n1", "/docker-daemon"),
		pod("shop", "web-0"), pod("bank", "web-0"), pod("mail", "web-0"),
		pod("shop", "solo").on(disks("Volume:data")), pod("bank", "alone"),
		container("shop", "web-0", "app"), container("shop", "web-0", "executor"), container("shop", "web-0", "machine"),
		container("bank", "web-0", "app").on(disks("/", "logs")),
		container("mail", "web-0", "app"),
		container("shop", "solo", "app").withGPU().with(values{
			"custom/foo/bar": schema.Int(1), "custom/exec_count": schema.Int(2), "custom/ünï %?": schema.Real(3.5),
			"memory/rss": schema.Int(-1), "cpu/usage": schema.Int(1<<53 + 1), "memory/page_faults_rate": schema.Real(0.5),
		}),
	}
}

func TestEveryKindAtEveryBatch(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for ago := 2 * minute; ago >= 0; ago -= minute {
		s.feed(ago, everyKind()...)
		s.collect()
	}
	s.collect()
}

func TestEveryKindAtEverySecondBatch(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.feed(2*minute, everyKind()...)
	s.collect()
	s.feed(minute, everyKind()...)
	s.feed(0, everyKind()...)
	// Two containers have slashes in their names. Only metric-export has them, and
	// only of the newest batch.
	s.collect("unaddressable", "unaddressable")
	gap := s.gap(minute, time.Second, "unaddressable")
	s.gaps(gap, gap)
}

func TestEveryKindAfterAPause(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.feed(12*minute, everyKind()...)
	s.collect("stale")
	for ago := 11 * minute; ago >= 0; ago -= minute {
		s.feed(ago, everyKind()...)
	}
	// The two containers with slashes in their names have lost the batches between
	// the two that metric-export showed.
	if late := s.collect("late", "unaddressable", "unaddressable"); late.GapSeconds != 9*60 {
		t.Errorf("a gap of %d seconds", late.GapSeconds)
	}
	slash := s.gap(11*minute, time.Second, "unaddressable")
	s.gaps(s.gap(11*minute, 2*minute+time.Second, "late"), slash, slash)
	s.collect()
}

func TestEveryKindWithoutExport(t *testing.T) {
	t.Parallel()
	s := newStory(t, "--disable-export")
	cast := slices.DeleteFunc(everyKind(), func(m member) bool { return !oracle.HasURL(m.entity) })
	for i := range cast {
		cast[i].disks, cast[i].gpu = nil, false
	}
	s.feed(minute, cast...)
	s.collect()
	s.feed(0, cast...)
	s.collect()
}

func TestIncarnations(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.feed(2*minute, pod("shop", "web-0").as("first"))
	s.collect()
	s.feed(minute, pod("shop", "web-0").as("first"))
	s.collect()
	s.feed(0, pod("shop", "web-0").as("second"))
	s.collect()
	at := func(ago time.Duration) int64 { return s.now.Add(-ago).Unix() }
	want := fmt.Sprintf("first\tn1\t%d\t%d\t0\nsecond\tn1\t%d\t%d\t1", at(2*minute), at(time.Second), at(0), at(0))
	if got := s.sql("SELECT uid, node, valid_from, valid_to, present FROM pod_identities"); got != want {
		t.Errorf("identities:\n%s\nwant\n%s", got, want)
	}
}

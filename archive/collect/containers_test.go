package collect_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// attributes adds the attributes that metric-export has of a pod and its
// containers.
func attributes(s heapsim.Set, uid, namespaceID string) heapsim.Set {
	s.Attributes = map[string]string{
		"pod_id": uid, "namespace_id": namespaceID, "nodename": "n1", "hostname": "n1", "labels": "app:" + s.Entity.Pod,
	}
	if s.Entity.Kind == schema.Container {
		s.Attributes["container_base_image"] = "img-" + s.Entity.Container
	}
	return s
}

// boxes is the small cluster with one pod and two containers, of which kubectl
// proxy refuses one by name, with two file systems, and with system containers
// of every difficult name. It has 6 samples, 3 standard and 2 other samples for
// each container, 4 for system containers, and 4 for file systems.
func boxes(minute int) []heapsim.Set {
	v := int64(minute)
	sets := small(minute, "a")
	sets[3] = attributes(sets[3], "uid-a", "ns-shop")
	for _, name := range []string{"main", "executor"} {
		sets = append(sets, attributes(set(schema.ContainerEntity("shop", "a", name), map[schema.MetricName]int64{
			"cpu/usage": v, "memory/usage": v, "uptime": v, "cpu/usage_rate": v, "custom/jobs": v,
		}), "uid-a", "ns-shop"))
	}
	for i, name := range []string{"kubelet", "system.slice/docker.service", "docker-daemon", "/docker-daemon"} {
		sets = append(sets, set(schema.SystemContainerEntity("n1", name), map[schema.MetricName]int64{"cpu/usage": v + 1000*int64(i)}))
	}
	for i, disk := range []string{"/dev/sda1", "/dev/sdb1:x"} {
		for _, m := range []schema.MetricName{"filesystem/usage", "filesystem/limit"} {
			sets[1].Labelled = append(sets[1].Labelled, heapsim.Labelled{
				Metric: m, Labels: map[string]string{"resource_id": disk}, Value: schema.Int(v + 100*int64(i)),
			})
		}
	}
	return sets
}

const inBoxes = 6 + 2*5 + 4 + 4

// everything selects all samples of containers and labelled series.
const everything = `SELECT coalesce(container, labels), metric, group_concat(value) FROM samples
	WHERE container IS NOT NULL OR labels IS NOT NULL GROUP BY 1, 2 ORDER BY coalesce(container, labels) || '|' || metric || '|'`

// expect is what everything answers when the minutes, joined by commas, are
// archived.
func expect(minutes string) string {
	plus := func(digit string) string { return digit + strings.ReplaceAll(minutes, ",", ","+digit) }
	lines := []string{
		"kubelet|cpu/usage|" + minutes,
		"system.slice/docker.service|cpu/usage|" + plus("100"),
		"docker-daemon|cpu/usage|" + plus("200"),
		"/docker-daemon|cpu/usage|" + plus("300"),
	}
	for _, name := range []string{"executor", "main"} {
		for _, m := range []string{"cpu/usage", "cpu/usage_rate", "custom/jobs", "memory/usage", "uptime"} {
			lines = append(lines, name+"|"+m+"|"+minutes)
		}
	}
	for _, m := range []string{"filesystem/limit", "filesystem/usage"} {
		lines = append(lines, "resource_id:/dev/sda1|"+m+"|"+minutes, "resource_id:/dev/sdb1:x|"+m+"|"+plus("10"))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestContainersAreReadWhole(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	for minute := range 3 {
		w.feed(minute, boxes(minute)...)
		w.pass(archive.OutcomeComplete, inBoxes)
	}
	w.pass(archive.OutcomeComplete, 0)
	w.want(everything, expect("0,1,2"))
	w.want("SELECT kind, container, cause, lasting FROM holes ORDER BY container",
		"system_container|/docker-daemon|unaddressable|1\nsystem_container|system.slice/docker.service|unaddressable|1")
}

func TestExportSparesRequests(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	var requests [3]int64
	for minute := range 3 {
		w.feed(minute, boxes(minute)...)
		requests[minute] = w.pass(archive.OutcomeComplete, inBoxes).Pass.Requests
	}
	// The first pass asks for the standard metrics of two containers and of
	// two system containers by name, and for four labelled series.
	if requests[0]-requests[1] != 2*10+2*8+4 || requests[1] != requests[2] {
		t.Errorf("requests: %v", requests)
	}
}

func TestOlderBatchesAreReadByName(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.feed(1, boxes(1)...)
	w.feed(2, boxes(2)...)
	// Two names of system containers are in the export alone: a hole each.
	summary := w.pass(archive.OutcomePartial, 2*inBoxes-2)
	if got := causes(summary); strings.Count(got, "unaddressable") != 4 {
		t.Errorf("holes: %s", got)
	}
	w.want("SELECT count(*), min(from_time), max(to_time) FROM gaps", "2|2017-09-27T12:01:00Z|2017-09-27T12:01:59Z")
}

func TestTwoBatchesThatLandDuringAPass(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	addressable := func(minute int) []heapsim.Set {
		return slices.DeleteFunc(boxes(minute), func(s heapsim.Set) bool { return strings.Contains(s.Entity.Container, "/") })
	}
	w.feed(0, addressable(0)...)
	var landed atomic.Bool
	w.sim.Inject("/pod-list/", 1, func(truly http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if landed.CompareAndSwap(false, true) {
				w.feed(1, addressable(1)...)
				w.feed(2, addressable(2)...)
			}
			truly.ServeHTTP(rw, r)
		})
	})
	first, err := w.try(t.Context())
	if err != nil || !landed.Load() {
		t.Fatal(err, landed.Load())
	}
	w.pass(archive.OutcomeComplete, 3*(inBoxes-2)-first.Pass.New)
	w.want("SELECT DISTINCT ts FROM watermark", "1506513720")
	w.want("SELECT metric, group_concat(value) FROM samples WHERE container = 'main' GROUP BY metric ORDER BY metric",
		"cpu/usage|0,1,2\ncpu/usage_rate|0,1,2\ncustom/jobs|0,1,2\nmemory/usage|0,1,2\nuptime|0,1,2")
}

func TestWithoutAnExport(t *testing.T) {
	w := newWorld(t, heapsim.Options{ExportDisabled: true})
	w.feed(0, boxes(0)...)
	w.feed(1, boxes(1)...)
	// No labelled series, and nothing of the two that no URL can name.
	w.pass(archive.OutcomeComplete, 2*(inBoxes-4-2))
	w.feed(2, boxes(2)...)
	w.pass(archive.OutcomeComplete, inBoxes-4-2)
	w.want("SELECT cause, lasting, count(*) FROM holes GROUP BY 1, 2 ORDER BY 1", "export|1|1\nunaddressable|1|2")
}

func TestContainersByExportAlone(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.options.Containers = collect.ContainersExport
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes-4)
	w.feed(1, boxes(1)...)
	w.feed(2, boxes(2)...)
	summary := w.pass(archive.OutcomePartial, 2*(6+4)+2*3+4)
	if got := causes(summary); got != "container/shop:skipped system_container/n1:skipped" {
		t.Errorf("holes: %s", got)
	}
	w.options.Containers = collect.ContainersOff
	w.feed(3, boxes(3)...)
	w.pass(archive.OutcomeComplete, 6+4)
}

func TestManyContainersAreReadByExportAlone(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes) // few containers, and all of them
	crowd := boxes(1)
	for i := range collect.AutoContainers {
		of := schema.ContainerEntity("shop", "a", fmt.Sprintf("c%d", i))
		crowd = append(crowd, attributes(set(of, map[schema.MetricName]int64{"memory/usage": 1}), "uid-a", "ns-shop"))
	}
	w.feed(1, crowd...)
	const byName = 2 * 2 // of two containers, what the export has not
	summary := w.pass(archive.OutcomeComplete, inBoxes-byName+collect.AutoContainers)
	if got := causes(summary); !strings.Contains(got, "container:skipped") || summary.Pass.Requests > 100 {
		t.Errorf("%d requests, holes: %s", summary.Pass.Requests, got)
	}
	w.feed(2, boxes(2)...) // the crowd is gone, and what was left out is still there
	w.pass(archive.OutcomeComplete, inBoxes+byName)
	w.want("SELECT group_concat(value) FROM samples WHERE container = 'main' AND metric = 'cpu/usage_rate'", "0,1,2")

	quirk := newWorld(t, heapsim.Options{ExportDisabled: true})
	quirk.feed(1, crowd...)
	quirk.pass(archive.OutcomeComplete, inBoxes-4-2+collect.AutoContainers) // no labelled series, and two names with slashes
}

func TestBudget(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	w.feed(1, boxes(1)...)
	w.feed(2, boxes(2)...)
	clock := w.options.Now
	var ticks atomic.Int64
	w.options.Now = func() time.Time { // the pass begins, and then its time is up
		if ticks.Add(1) == 1 {
			return clock()
		}
		return clock().Add(time.Minute)
	}
	// Pods, namespaces, nodes and the cluster are whole; of the others there is
	// what the export had.
	summary := w.pass(archive.OutcomePartial, 2*6+2*3+4+4)
	if got := causes(summary); !strings.Contains(got, "container/shop:budget") || strings.Contains(got, "pod/") {
		t.Errorf("holes: %s", got)
	}
	w.options.Now = clock
	w.pass(archive.OutcomePartial, 2*inBoxes-2-(2*6+2*3+4+4))
}

func TestProxyThatRefusesAContainer(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.sim.Inject("^/api/.*/pods/.*/exec", 0, heapstertest.Answer(http.StatusForbidden, nil, "Forbidden"))
	w.feed(0, boxes(0)...)
	summary := w.pass(archive.OutcomePartial, inBoxes-2)
	if got := causes(summary); !strings.Contains(got, "container/shop:refused") {
		t.Errorf("holes: %s", got)
	}
	w.feed(1, boxes(1)...)
	w.pass(archive.OutcomePartial, inBoxes-2) // its standard metrics come by the export
	w.sim.Heal()
	w.pass(archive.OutcomeComplete, 2*2)
}

func TestOldHeapsterWithoutLists(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true, NoContainersList: true})
	for minute := range 2 {
		w.feed(minute, boxes(minute)...)
		w.pass(archive.OutcomeComplete, inBoxes)
	}
	w.want("SELECT cause, kind, lasting FROM holes WHERE cause <> 'unaddressable' ORDER BY cause", "allkeys||1\nnot_found|container|1")
}

func TestNamespacesByID(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	pod := func(ns, pod, id string, v int64) []heapsim.Set {
		return []heapsim.Set{
			attributes(set(schema.PodEntity(ns, pod), map[schema.MetricName]int64{"memory/rss": v}), "uid-"+ns+pod, id),
			attributes(set(schema.ContainerEntity(ns, pod, "c"), map[schema.MetricName]int64{"memory/rss": v}), "uid-"+ns+pod, id),
		}
	}
	sets := small(0)
	for _, more := range [][]heapsim.Set{
		pod("one", "web-0", "id-1", 1), pod("one", "solo", "id-1", 2), pod("two", "web-0", "id-2", 3),
		pod("three", "db-0", "id-3", 4), pod("four", "db-0", "id-4", 5), // told apart by their values
	} {
		sets = append(sets, more...)
	}
	w.feed(0, sets...)
	w.pass(archive.OutcomeComplete, 4+10)
	w.want("SELECT namespace, pod, value FROM samples WHERE kind = 'container' ORDER BY value",
		"one|web-0|1\none|solo|2\ntwo|web-0|3\nthree|db-0|4\nfour|db-0|5")
	w.want("SELECT namespace, pod, uid FROM pod_identities ORDER BY uid",
		"four|db-0|uid-fourdb-0\none|solo|uid-onesolo\none|web-0|uid-oneweb-0\nthree|db-0|uid-threedb-0\ntwo|web-0|uid-twoweb-0")
}

func TestIncarnationsOfAPod(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	for minute, uid := range []string{"uid-1", "uid-1", "uid-2"} {
		sets := small(minute, "web-0")
		sets[3] = attributes(sets[3], uid, "ns-shop")
		box := set(schema.ContainerEntity("shop", "web-0", "nginx"), map[schema.MetricName]int64{"memory/rss": 1})
		w.feed(minute, append(sets, attributes(box, uid, "ns-shop"))...)
		w.pass(archive.OutcomeComplete, 7)
	}
	w.want("SELECT uid, node, labels, images, valid_from - 1506513600, valid_to - 1506513600, present FROM pod_identities",
		"uid-1|n1|app:web-0|nginx=img-nginx|0|119|0\nuid-2|n1|app:web-0|nginx=img-nginx|120|120|1")
	w.want("SELECT group_concat(value) FROM samples WHERE pod = 'web-0' AND container IS NULL AND metric = 'memory/rss'", "0,1,2")
}

// TestLabelledSeriesThatVanishWhileAPassDies: the pass that died had moved the
// horizon without an export. A series that ended then was shown last before
// that.
func TestLabelledSeriesThatVanishWhileAPassDies(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, boxes(0)...)
	w.pass(archive.OutcomeComplete, inBoxes)
	sets := boxes(1)
	sets[1].Labelled = sets[1].Labelled[:2]
	w.feed(1, sets...)
	w.interrupt("/pod-list/")
	w.pass(archive.OutcomeComplete, inBoxes-4-2) // the first stage was stored before
	w.want("SELECT labels, (last_seen - unixepoch('2017-09-27 12:00')) / 60 FROM entities WHERE labels IS NOT NULL ORDER BY 1",
		"resource_id:/dev/sda1|1\nresource_id:/dev/sdb1:x|0")
}

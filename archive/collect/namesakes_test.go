package collect_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"heapstash/archive"
	"heapstash/archive/collect"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// idSet is which of the attributes that identify namespaces metric-export has.
type idSet struct{ id, uid, name bool }

// twin is a pod with one container, and a file system for both. Idle pods have
// the same values as their namesakes.
func twin(namespace, pod string, minute int, idle bool, by idSet) []heapsim.Set {
	v := int64(1000 + minute)
	if !idle {
		for _, r := range namespace {
			v += int64(r) * 1000
		}
	}
	labelled := func(resource string, v int64) []heapsim.Labelled {
		return []heapsim.Labelled{{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": resource}, Value: schema.Int(v)}}
	}
	a := set(schema.PodEntity(namespace, pod), map[schema.MetricName]int64{"uptime": v, "memory/usage": v + 1, "network/rx": v + 2})
	a.Labelled = labelled("Volume:data", v+3)
	b := set(schema.ContainerEntity(namespace, pod, "db"), map[schema.MetricName]int64{"uptime": v, "cpu/usage": v + 4, "cpu/usage_rate": v + 5})
	b.Labelled = labelled("/", v+6)
	for _, s := range []*heapsim.Set{&a, &b} {
		s.Attributes = map[string]string{"nodename": "n1", "labels": "app:db"}
		if by.id {
			s.Attributes["namespace_id"] = "id-" + namespace
		}
		if by.uid {
			s.Attributes["pod_id"] = "uid-" + namespace + "-" + pod
		}
		if by.name {
			s.Attributes["pod_namespace"] = namespace
		}
	}
	return []heapsim.Set{a, b}
}

// namesakes is the small cluster with namespaces that have the same pods. It
// has 4 samples, and 8 for each pod.
func namesakes(minute int, idle bool, by idSet, namespaces ...string) []heapsim.Set {
	sets := small(minute)
	for _, namespace := range namespaces {
		for _, pod := range []string{"db-0", "db-1"} {
			sets = append(sets, twin(namespace, pod, minute, idle, by)...)
		}
	}
	return sets
}

const (
	inNamesakes = 4 + 4*8
	// rateOnly is what containers have that the export has not.
	rateOnly = 4
)

// cellsOf selects the archive's samples of pods and containers.
const cellsOf = `SELECT namespace, pod, ifnull(container, ''), ifnull(labels, ''), metric, ts, value FROM samples WHERE pod IS NOT NULL ORDER BY 1, 2, 3, 4, 5, 6`

// cells are the same, as fed.
func cells(minutes []int, idle, exported bool, namespaces ...string) string {
	var lines []string
	for _, namespace := range namespaces {
		for _, pod := range []string{"db-0", "db-1"} {
			add := func(container, labels string, m schema.MetricName, of func([]heapsim.Set) schema.Value) {
				for _, minute := range minutes {
					lines = append(lines, fmt.Sprintf("%s|%s|%s|%s|%s|%d|%s", namespace, pod, container, labels, m,
						noon.Unix()+int64(60*minute), of(twin(namespace, pod, minute, idle, idSet{}))))
				}
			}
			for _, m := range []schema.MetricName{"memory/usage", "network/rx", "uptime"} {
				add("", "", m, func(s []heapsim.Set) schema.Value { return s[0].Values[m] })
			}
			add("", "resource_id:Volume:data", "filesystem/usage", func(s []heapsim.Set) schema.Value { return s[0].Labelled[0].Value })
			for _, m := range []schema.MetricName{"cpu/usage", "cpu/usage_rate", "uptime"} {
				if m != "cpu/usage_rate" || !exported {
					add("db", "", m, func(s []heapsim.Set) schema.Value { return s[1].Values[m] })
				}
			}
			add("db", "resource_id:/", "filesystem/usage", func(s []heapsim.Set) schema.Value { return s[1].Labelled[0].Value })
		}
	}
	return strings.Join(lines, "\n")
}

// TestNamesakes: two namespaces that hold only pods of the same names.
func TestNamesakes(t *testing.T) {
	for name, by := range map[string]idSet{
		"everything": {id: true, uid: true}, "ids": {id: true}, "uids": {uid: true}, "nothing": {}, "names": {name: true},
	} {
		for _, idle := range []bool{false, true} {
			for _, containers := range []collect.Containers{collect.ContainersFull, collect.ContainersExport} {
				t.Run(fmt.Sprintf("%s idle=%v %s", name, idle, containers), func(t *testing.T) {
					w := newWorld(t, heapsim.Options{})
					w.options.Containers = containers
					exported := containers == collect.ContainersExport
					want := inNamesakes
					if exported {
						want -= rateOnly
					}
					var minutes []int
					for minute := range 3 {
						w.feed(minute, namesakes(minute, idle, by, "blue", "green")...)
						w.pass(archive.OutcomeComplete, want)
						minutes = append(minutes, minute)
					}
					w.pass(archive.OutcomeComplete, 0)
					w.want(cellsOf, cells(minutes, idle, exported, "blue", "green"))
					identities, holes := "", ""
					if by.uid && (!idle || by.name) {
						identities = "blue|db-0|uid-blue-db-0\nblue|db-1|uid-blue-db-1\ngreen|db-0|uid-green-db-0\ngreen|db-1|uid-green-db-1"
					} else if by.uid {
						holes = "pod|blue|export|1\npod|green|export|1"
					} else if !by.uid {
						holes = "pod||export|1" // their labels are an incarnation's
					}
					w.want("SELECT namespace, pod, uid FROM pod_identities ORDER BY 1, 2", identities)
					w.want("SELECT kind, namespace, cause, lasting FROM holes ORDER BY 2", holes)
				})
			}
		}
	}
}

// TestNamesakesCostNothingOnceTheyAreKnown: ids that were learned when values
// differed identify the namespaces later.
func TestNamesakesCostNothingOnceTheyAreKnown(t *testing.T) {
	for name, by := range map[string]idSet{"ids": {id: true}, "uids": {uid: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, heapsim.Options{})
			w.feed(0, namesakes(0, false, by, "blue", "green")...)
			w.pass(archive.OutcomeComplete, inNamesakes)
			var requests [2]int64
			for i, idle := range []bool{false, true} {
				w.feed(i+1, namesakes(i+1, idle, by, "blue", "green")...)
				requests[i] = w.pass(archive.OutcomeComplete, inNamesakes).Pass.Requests
			}
			if requests[0] != requests[1] {
				t.Errorf("requests: %v", requests)
			}
		})
	}
}

// TestKubernetesTellsNamesakes: the Kubernetes API identifies pods of the same name
// that no other source can.
func TestKubernetesTellsNamesakes(t *testing.T) {
	pods, namespaces := "/api/v1/pods", "/api/v1/namespaces"
	for name, test := range map[string]struct {
		by     idSet
		refuse string
		known  bool
	}{
		"by the pods' uids":       {idSet{id: true, uid: true}, "none", true},
		"by the namespaces' uids": {idSet{id: true, uid: true}, pods, true},
		"by the pods' uids alone": {idSet{uid: true}, namespaces, true},
		"uids and all":            {idSet{}, "none", true},
		"not":                     {idSet{uid: true}, pods, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, heapsim.Options{})
			api := enriched(w)
			var pod, namespace []string
			for _, ns := range []string{"blue", "green"} {
				for _, name := range []string{"db-0", "db-1"} {
					pod = append(pod, item(ns, name, "uid-"+ns+"-"+name, ""))
				}
				namespace = append(namespace, fmt.Sprintf(`{"metadata":{"name":%q,"uid":"id-%[1]s"}}`, ns))
			}
			api.lists = map[string]string{pods: strings.Join(pod, ","), namespaces: strings.Join(namespace, ",")}
			delete(api.lists, test.refuse)
			w.feed(0, namesakes(0, true, test.by, "blue", "green")...)
			w.pass(archive.OutcomeComplete, inNamesakes)
			w.want(cellsOf, cells([]int{0}, true, false, "blue", "green"))
			want := ""
			if test.known {
				want = "blue|db-0|uid-blue-db-0\nblue|db-1|uid-blue-db-1\ngreen|db-0|uid-green-db-0\ngreen|db-1|uid-green-db-1"
			}
			w.want("SELECT namespace, pod, uid FROM pod_identities ORDER BY 1, 2", want)
		})
	}
}

// TestNamesakesOfExcludedNamespaces: the samples of an excluded pod are not
// stored under its namesake's name.
func TestNamesakesOfExcludedNamespaces(t *testing.T) {
	for _, idle := range []bool{false, true} {
		w := newWorld(t, heapsim.Options{})
		w.options.ExcludeNamespaces = []string{"green"}
		for minute := range 2 {
			w.feed(minute, namesakes(minute, idle, idSet{uid: true}, "blue", "green")...)
			w.pass(archive.OutcomeComplete, 4+2*8)
		}
		w.want(cellsOf, cells([]int{0, 1}, idle, false, "blue"))
	}
}

// TestNamesakesWhoseListFails: a pod of the namespace that could not be listed
// is not taken for its namesake.
func TestNamesakesWhoseListFails(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true})
	w.sim.Inject("/namespaces/green/pods/$", 0, heapstertest.Answer(http.StatusInternalServerError, nil, "boom"))
	sets := append(namesakes(0, false, idSet{id: true, uid: true}, "blue", "green"),
		set(schema.NamespaceEntity("blue"), nil), set(schema.NamespaceEntity("green"), nil))
	w.feed(0, sets...)
	summary, err := w.try(t.Context())
	if err != nil || !strings.Contains(causes(summary), "pod/green:unreachable") {
		t.Fatal(causes(summary), err)
	}
	w.want(strings.Replace(cellsOf, "pod IS NOT NULL", "namespace = 'blue' AND pod IS NOT NULL", 1), cells([]int{0}, false, false, "blue"))
	w.want("SELECT namespace, pod, uid FROM pod_identities WHERE namespace = 'blue' ORDER BY 2", "blue|db-0|uid-blue-db-0\nblue|db-1|uid-blue-db-1")
	w.sim.Heal()
	if _, err := w.try(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want(cellsOf, cells([]int{0}, false, false, "blue", "green"))
}

// TestNamesakesInABatchThatLandsDuringAPass: the lists are of the batch before
// the export's.
func TestNamesakesInABatchThatLandsDuringAPass(t *testing.T) {
	for _, idle := range []bool{false, true} {
		w := newWorld(t, heapsim.Options{})
		w.options.Budget = 0 // a minute goes by during the pass
		by := idSet{id: true, uid: true}
		w.feed(0, namesakes(0, idle, by, "blue")...)
		var landed atomic.Bool
		w.sim.Inject("/metric-export", 1, func(truly http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if landed.CompareAndSwap(false, true) {
					w.feed(1, namesakes(1, idle, by, "blue", "green")...)
				}
				truly.ServeHTTP(rw, r)
			})
		})
		if _, err := w.try(t.Context()); err != nil || !landed.Load() {
			t.Fatal(err, landed.Load())
		}
		w.feed(2, namesakes(2, idle, by, "blue")...)
		if _, err := w.try(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := cells([]int{0, 1, 2}, idle, false, "blue") + "\n" + cells([]int{1}, idle, false, "green")
		w.want(cellsOf, want)
	}
}

// TestASetWithoutMetrics: its pod is in the batch nevertheless.
func TestASetWithoutMetrics(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	for minute, uid := range []string{"uid-A", "uid-B", "uid-B"} {
		pod := attributes(set(schema.PodEntity("shop", "web-0"), map[schema.MetricName]int64{"memory/rss": 1}), uid, "ns-shop")
		if minute == 1 {
			pod.Values = nil
		}
		w.feed(minute, append(small(minute), pod)...)
		if _, err := w.try(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.want("SELECT uid, valid_from - 1506513600, valid_to - 1506513600, present FROM pod_identities", "uid-A|0|59|0\nuid-B|60|120|1")
}

// TestNamesakesThatTheirContainersTellApart: the pods have the same values, and
// their containers have different ones.
func TestNamesakesThatTheirContainersTellApart(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	sets := namesakes(0, true, idSet{uid: true}, "blue", "green")
	for i := range sets {
		if sets[i].Entity.Kind == schema.Container {
			sets[i].Values["cpu/usage"] = schema.Int(int64(i))
		}
	}
	w.feed(0, sets...)
	w.pass(archive.OutcomeComplete, inNamesakes)
	w.want("SELECT namespace, pod, uid FROM pod_identities ORDER BY 1, 2",
		"blue|db-0|uid-blue-db-0\nblue|db-1|uid-blue-db-1\ngreen|db-0|uid-green-db-0\ngreen|db-1|uid-green-db-1")
}

// TestContainersByExportAloneOfANewNamespace: the namespace may have been in
// earlier batches, of which nothing was read.
func TestContainersByExportAloneOfANewNamespace(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.options.Containers = collect.ContainersExport
	by := idSet{id: true, uid: true}
	w.feed(0, namesakes(0, false, by, "blue")...)
	w.pass(archive.OutcomeComplete, 4+2*7)
	w.feed(1, namesakes(1, false, by, "blue", "green")...)
	w.feed(2, namesakes(2, false, by, "blue", "green")...)
	summary, err := w.try(t.Context())
	if got := causes(summary); err != nil || got != "container/blue:skipped container/green:skipped" {
		t.Errorf("holes: %s, %v", got, err)
	}
}

package collect_test

import (
	"net/http"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/heapster/heapsim"
	"heapstash/heapster/heapstertest"
	"heapstash/schema"
)

// twins is the small cluster with another namespace, and with one container for
// each pod. The pod web-0 is in both namespaces. It has 5 samples, and 3 for
// each pod: of the pod, its container and its file system.
func twins(minute int) []heapsim.Set {
	sets := append(small(minute), set(schema.NamespaceEntity("other"), map[schema.MetricName]int64{"memory/request": int64(minute)}))
	for i, name := range []string{"shop/web-0", "other/web-0", "other/solo", "shop/job-1"} {
		namespace, pod, _ := strings.Cut(name, "/")
		value := schema.Int(int64(10*minute + i))
		s := set(schema.PodEntity(namespace, pod), nil)
		s.Values["memory/rss"] = value
		s.Labelled = []heapsim.Labelled{{Metric: "filesystem/usage", Labels: map[string]string{"resource_id": "/"}, Value: value}}
		box := set(schema.ContainerEntity(namespace, pod, "main"), nil)
		box.Values["memory/rss"] = value
		sets = append(sets, attributes(s, "uid-"+name, "id-"+namespace), attributes(box, "uid-"+name, "id-"+namespace))
	}
	return sets
}

// perPod selects all samples of pods, containers and file systems.
const perPod = `SELECT namespace, pod, container IS NOT NULL, labels IS NOT NULL, group_concat(value) FROM samples
	WHERE pod IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`

func lines(of ...string) string {
	var all []string
	for _, pod := range of {
		name, values, _ := strings.Cut(pod, "=")
		for _, kind := range []string{"|0|0|", "|0|1|", "|1|0|"} {
			all = append(all, strings.Replace(name, "/", "|", 1)+kind+values)
		}
	}
	return strings.Join(all, "\n")
}

func TestExcludedPods(t *testing.T) {
	for name, quirks := range map[string]heapsim.Options{
		"all keys": {}, "lists": {NoAllKeys: true}, "no export": {ExportDisabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quirks)
			perPodSamples := 3
			if quirks.ExportDisabled {
				perPodSamples = 2
			}
			w.options.ExcludePods = []string{"shop/job-*", "*/web-1", "other/web-?"}
			for minute := range 2 {
				w.feed(minute, twins(minute)...)
				w.pass(archive.OutcomeComplete, 5+2*perPodSamples)
			}
			if quirks.ExportDisabled {
				w.want("SELECT DISTINCT namespace, pod FROM samples WHERE pod IS NOT NULL ORDER BY 1", "other|solo\nshop|web-0")
				return
			}
			w.want(perPod, lines("other/solo=2,12", "shop/web-0=0,10"))
			w.want("SELECT uid FROM pod_identities ORDER BY uid", "uid-other/solo\nuid-shop/web-0")
			w.want("SELECT DISTINCT namespace, pod FROM entities WHERE pod IS NOT NULL ORDER BY 1", "other|solo\nshop|web-0")
			w.want("SELECT namespace, count(*) FROM samples WHERE kind = 'namespace' GROUP BY 1", "other|2\nshop|2")
		})
	}
}

// The end of a pod that was archived and is excluded now is known.
func TestPodExcludedLater(t *testing.T) {
	w := newWorld(t, heapsim.Options{})
	w.feed(0, twins(0)...)
	w.pass(archive.OutcomeComplete, 5+4*3)
	w.options.ExcludePods = []string{"*/*-1"}
	for minute := 1; minute < 3; minute++ {
		w.feed(minute, twins(minute)...)
		w.pass(archive.OutcomeComplete, 5+3*3)
	}
	w.want("SELECT DISTINCT listed, last_seen - 1506513600 FROM entities WHERE pod = 'job-1'", "0|0")
	w.options.ExcludePods = nil
	w.feed(3, twins(3)...)
	w.want(perPod+" LIMIT 0", "")
	w.pass(archive.OutcomeComplete, 5+4*3+2*3)
}

// metric-export has only ids of namespaces: the samples of an excluded pod must
// not get the name of its namesake, however the pods are listed.
func TestNamesakesOfWhatIsLeftOut(t *testing.T) {
	for name, quirks := range map[string]heapsim.Options{"all keys": {}, "lists": {NoAllKeys: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quirks)
			w.options.ExcludeNamespaces = []string{"other"}
			for minute := range 2 {
				w.feed(minute, twins(minute)...)
				w.pass(archive.OutcomeComplete, 4+2*3)
			}
			w.want(perPod, lines("shop/job-1=3,13", "shop/web-0=0,10"))
		})
	}
}

func TestNamesakesOfWhatCannotBeListed(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true})
	w.feed(0, twins(0)...)
	w.pass(archive.OutcomeComplete, 5+4*3)
	w.sim.Inject("/namespaces/other/pods/$", 1, heapstertest.Answer(http.StatusForbidden, nil, "Forbidden"))
	w.feed(1, twins(1)...)
	w.pass(archive.OutcomePartial, 5+4*3)
	w.want(perPod, lines("other/solo=2,12", "other/web-0=1,11", "shop/job-1=3,13", "shop/web-0=0,10"))
}

// Containers may be wanted without their pods.
func TestListsOfContainersAlone(t *testing.T) {
	w := newWorld(t, heapsim.Options{NoAllKeys: true})
	w.options.Kinds = []schema.Kind{schema.Container}
	w.feed(0, twins(0)...)
	w.pass(archive.OutcomeComplete, 4)
}

package e2e

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/archive/collect"
	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// TestNamesakes: every pod name exists in several namespaces. metric-export has ids
// or not, and the pods' values differ or not. Passes follow all batches or some. Each
// sample must have the value that was fed, or a hole must cover its time.
func TestNamesakes(t *testing.T) {
	for _, ids := range []string{"namespace_id,pod_id", "namespace_id", "pod_id", "", "some"} {
		for _, idle := range []bool{false, true} {
			for _, containers := range []collect.Containers{collect.ContainersFull, collect.ContainersExport} {
				t.Run(fmt.Sprintf("ids=%s idle=%v %s", ids, idle, containers), func(t *testing.T) {
					t.Parallel()
					for i := range 2 {
						random := rand.New(rand.NewPCG(*seed+uint64(i), 1))
						n := &namesakes{story: newStory(t), rand: random, ids: ids, idle: idle, containers: containers, since: make(map[string]string)}
						n.tell()
					}
				})
			}
		}
	}
}

// namesakes is a story of pods whose names exist in several namespaces.
type namesakes struct {
	*story
	rand       *rand.Rand
	ids        string // that metric-export has
	idle       bool
	containers collect.Containers

	since map[string]string // the incarnations of namespaces and pods
}

// tell feeds batches 20 seconds apart. Namespaces and pods are deleted and come back
// under the same names. Some batches have no pass.
func (n *namesakes) tell() {
	attention := 0.4 + 0.6*n.rand.Float64()
	for ago := 160 * time.Second; ago >= 0; ago -= 20 * time.Second {
		n.feedBatch(n.batch(ago))
		if n.rand.Float64() < attention || ago == 0 {
			n.pass()
		}
	}
	n.pass()
	n.judge()
}

func (n *namesakes) batch(ago time.Duration) heapsim.Batch {
	var members []member
	for _, ns := range []string{"blue", "green", "red"} {
		if n.since[ns] == "" || n.rand.Float64() < 0.1 {
			n.since[ns] = fmt.Sprintf("%s since %v ago", ns, ago) // its pods are new, too
			delete(n.since, ns+"/db-0")
			delete(n.since, ns+"/db-1")
		}
		for _, name := range []string{"db-0", "db-1"} {
			switch chance := n.rand.Float64(); {
			case chance < 0.1:
				delete(n.since, ns+"/"+name)
				continue
			case chance < 0.2, n.since[ns+"/"+name] == "":
				n.since[ns+"/"+name] = fmt.Sprintf("%s/%s since %v ago", ns, name, ago)
			}
			members = append(members, pod(ns, name).on(whole("Volume:data", "Volume:"+ns)).as(n.since[ns+"/"+name]),
				container(ns, name, "db").on(whole("/")).withGPU(), container(ns, name, "log").on(whole("/", "logs")))
		}
	}
	members = append(members, node("n1").on(whole("/dev/sda1")), systemContainer("n1", "kubelet"))
	b := batch(n.now.Add(-ago), members...)
	for i := range b.Sets {
		n.obscure(&b.Sets[i])
	}
	return b
}

// whole returns file systems whose sizes are integers: the model API shows them
// exactly.
func whole(names ...string) map[string]schema.Value {
	sizes := make(map[string]schema.Value)
	for i, name := range names {
		sizes[name] = schema.Int(int64(1000 + i))
	}
	return sizes
}

// obscure removes ids, and gives idle namesakes the same values.
func (n *namesakes) obscure(set *heapsim.Set) {
	if set.Entity.Pod == "" {
		return
	}
	set.Attributes["pod_id"] = n.since[set.Entity.Namespace+"/"+set.Entity.Pod]
	set.Attributes["namespace_id"] = n.since[set.Entity.Namespace]
	for _, id := range []string{"namespace_id", "pod_id"} {
		if n.ids == "some" && n.rand.Float64() < 0.5 || n.ids != "some" && !strings.Contains(n.ids, id) {
			delete(set.Attributes, id)
		}
	}
	for metric, value := range set.Values {
		if v, _ := value.Int64(); n.idle {
			set.Values[metric] = schema.Int(v % (1 << 31))
		}
	}
}

func (n *namesakes) pass() {
	n.Helper()
	n.oracle.Pass()
	options := collect.DefaultOptions()
	options.Containers = n.containers
	options.Log = slog.New(slog.DiscardHandler)
	_, err := rig.Pass(n.Context(), n.client, n.archive, options, nil)
	must(n, err)
}

// judge fails the test for each sample with another value than the one that was fed,
// and for each missing sample that no hole covers.
func (n *namesakes) judge() {
	n.Helper()
	got := make(map[string]string)
	for line := range strings.Lines(n.sql("SELECT * FROM samples")) {
		key, value := cut(line)
		got[key] = value
	}
	holes := strings.Split(n.sql("SELECT kind, namespace, from_ts, to_ts FROM holes WHERE from_ts IS NOT NULL"), "\n")
	wanted := make(map[string]bool)
	inHoles := 0
	for _, line := range n.oracle.Samples() {
		key, value := cut(line)
		wanted[key] = true
		stored, found := got[key]
		columns := strings.Split(key, "\t") // cluster, kind, namespace, pod, container, node, labels, metric, ts, time
		switch {
		case found && stored == value:
		case found:
			n.Errorf("%s is %s, and %s was fed", key, stored, value)
		case n.containers == collect.ContainersExport && strings.HasSuffix(columns[1], "container") && n.isLeftOut(columns[7]):
		case n.containers == collect.ContainersExport && n.inHole(holes, columns):
			inHoles++
		default:
			n.Errorf("%s is missing, and no hole covers it", key)
		}
	}
	for key, value := range got {
		if !wanted[key] {
			n.Errorf("%s is %s, and was never fed", key, value)
		}
	}
	n.Logf("%d wanted, %d stored, %d in %d holes", len(wanted), len(got), inHoles, len(holes))
}

// isLeftOut reports whether metric-export lacks a metric of containers.
func (n *namesakes) isLeftOut(metric string) bool {
	return metric == "cpu/usage_rate" || metric == "restart_count"
}

func (n *namesakes) inHole(holes, columns []string) bool {
	at, err := strconv.Atoi(columns[8])
	if err != nil {
		n.Fatal(err)
	}
	for _, hole := range holes {
		h := strings.Split(hole, "\t")
		if len(h) != 4 || h[0] != columns[1] || h[1] != "NULL" && h[1] != columns[2] {
			continue
		}
		from, _ := strconv.Atoi(h[2])
		to, _ := strconv.Atoi(h[3])
		if from <= at && at <= to {
			return true
		}
	}
	return false
}

// cut splits a row of the view samples before its value.
func cut(line string) (key, value string) {
	line = strings.TrimSuffix(line, "\n")
	i := strings.LastIndexByte(line, '\t')
	return line[:i], line[i+1:]
}

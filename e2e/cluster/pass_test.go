package cluster

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// thousandPods is the cluster of docs/costs.md: 1,000 pods with 2,000
// containers.
func thousandPods() *heapsim.Cluster {
	return heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Nodes: 50, Namespaces: 40, Pods: 1000})
}

// longest is the limit of a pass over it with default settings, on two cores that it
// shares with the apiserver.
const longest = 30 * time.Second

// TestRequestsOfAPass compares the requests of a pass over that cluster with
// docs/costs.md: of the first pass and of the next, with default settings, through the
// apiserver. Only permanent holes are allowed.
func TestRequestsOfAPass(t *testing.T) {
	defer restartHeapster(t)
	row := regexp.MustCompile("(?m)^\\| `auto`, [^|]*\\| ([0-9,]+) \\(([0-9,]+) at the first pass\\) ").FindStringSubmatch(section(t, "docs/costs.md", "Through an apiserver"))
	if row == nil {
		t.Fatal("docs/costs.md does not say how many requests there are")
	}
	archive, sim := filepath.Join(t.TempDir(), "a.db"), thousandPods()
	for _, pass := range []struct {
		ago  time.Duration
		want string
	}{{time.Minute, row[2]}, {5 * time.Second, row[1]}} {
		feed(t, sim, pass.ago)
		m := measurePass(t, "", archive, "--kubeconfig", cluster.AdminConf)
		if got := strconv.FormatInt(m.Requests, 10); got != strings.ReplaceAll(pass.want, ",", "") {
			t.Errorf("%s requests, and docs/costs.md says %s", got, pass.want)
		}
		if holes := m.passing(); holes > 0 {
			t.Errorf("%d holes that are not permanent", holes)
		}
	}
	if got := rig.SQL(t, archive, "SELECT count(DISTINCT namespace || '/' || pod || '/' || container), count(DISTINCT ts) FROM container"); got != "2000\t2" {
		t.Errorf("the archive has of containers and batches\n%s\nwant 2000 and 2", got)
	}
}

// BenchmarkPass measures passes over 1,000 pods with 2,000 containers through the
// apiserver, which shares this machine with Heapster and heapstash: the first pass into
// a new archive, and the pass a minute later. It justifies the default of
// collect.containers: with it, a pass may take half a minute.
func BenchmarkPass(b *testing.B) {
	for _, containers := range []string{"", "export", "full"} {
		for _, nth := range []string{"first", "next"} {
			b.Run("containers="+cmp.Or(containers, "default")+"/"+nth, func(b *testing.B) {
				sim := thousandPods()
				var total measured
				for b.Loop() {
					b.StopTimer()
					archive := filepath.Join(b.TempDir(), "a.db")
					feed(b, sim, time.Minute)
					if nth == "next" { // the pass before is made directly, and not measured
						measurePass(b, containers, archive, "--heapster-url", cluster.Heapster.URL)
						feed(b, sim, 5*time.Second)
					}
					b.StartTimer()
					m := measurePass(b, containers, archive, "--kubeconfig", cluster.AdminConf)
					b.StopTimer()
					if containers == "" && m.wall > longest {
						b.Errorf("a pass took %v, more than %v", m.wall, longest)
					}
					total.add(m)
					restartHeapster(b)
					b.StartTimer()
				}
				n := float64(b.N)
				b.ReportMetric(b.Elapsed().Seconds()/n, "s/pass")
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(total.Requests)/n, "requests")
				b.ReportMetric(float64(total.New)/n, "samples")
				b.ReportMetric(float64(total.passing())/n, "holes")
				b.ReportMetric(total.apiserver.Seconds()/n, "apiserver-CPU-s")
				b.ReportMetric(total.heapstash.Seconds()/n, "heapstash-CPU-s")
			})
		}
	}
}

// measured has the costs of passes, and members of their summaries.
type measured struct {
	Requests int64 `json:"requests"`
	New      int64 `json:"samples_new"`
	Holes    []struct {
		Lasting bool `json:"lasting"`
	} `json:"holes"`
	wall                 time.Duration
	apiserver, heapstash time.Duration // of both cores together
}

func (m *measured) add(other measured) {
	m.Requests += other.Requests
	m.New += other.New
	m.Holes = append(m.Holes, other.Holes...)
	m.wall += other.wall
	m.apiserver += other.apiserver
	m.heapstash += other.heapstash
}

// passing counts the holes that are not permanent.
func (m *measured) passing() (n int) {
	for _, h := range m.Holes {
		if !h.Lasting {
			n++
		}
	}
	return n
}

// measurePass makes a pass. Containers is the setting collect.containers; empty for the
// default.
func measurePass(tb testing.TB, containers, archive string, way ...string) measured {
	tb.Helper()
	var m measured
	before, err := rig.CPUTime(cluster.APIServerID())
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.CommandContext(tb.Context(), programs.Heapstash,
		append([]string{"collect", "--json", "--partial-ok", "--db-file", archive}, way...)...)
	command.Env = []string{}
	if containers != "" {
		command.Env = []string{"HEAPSTASH_COLLECT_CONTAINERS=" + containers}
	}
	begun := time.Now()
	out, err := command.Output()
	m.wall = time.Since(begun)
	if err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &m); err != nil {
		tb.Fatal(err)
	}
	after, err := rig.CPUTime(cluster.APIServerID())
	if err != nil {
		tb.Fatal(err)
	}
	m.apiserver = after - before
	m.heapstash = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return m
}

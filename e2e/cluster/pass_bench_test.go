package cluster

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// BenchmarkPass measures passes over 1,000 pods with 2,000 containers through
// the apiserver, which shares this machine with Heapster and heapstash: the
// first one, and one a minute later. Each pair has a new archive. It tells what
// the default of collect.containers should be: a pass has a minute, and the
// apiserver other things to do.
func BenchmarkPass(b *testing.B) {
	for _, containers := range []string{"auto", "export", "full"} {
		for _, nth := range []string{"first", "next"} {
			b.Run("containers="+containers+"/"+nth, func(b *testing.B) {
				sim := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Nodes: 50, Namespaces: 40, Pods: 1000})
				var total measured
				for b.Loop() {
					b.StopTimer()
					archive := filepath.Join(b.TempDir(), "a.db")
					feedAgo(b, sim, time.Minute)
					if nth == "next" { // the pass before is made directly, and not measured
						benchPass(b, containers, archive, "--heapster-url", cluster.Heapster.URL)
						feedAgo(b, sim, 5*time.Second)
					}
					b.StartTimer()
					total.add(benchPass(b, containers, archive, "--kubeconfig", cluster.AdminConf))
					b.StopTimer()
					if err := cluster.Heapster.Restart(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				n := float64(b.N)
				b.ReportMetric(b.Elapsed().Seconds()/n, "s/pass")
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(total.Requests)/n, "requests")
				b.ReportMetric(float64(total.New)/n, "samples")
				b.ReportMetric(float64(len(total.Holes))/n, "holes")
				b.ReportMetric(total.apiserver.Seconds()/n, "apiserver-CPU-s")
				b.ReportMetric(total.heapstash.Seconds()/n, "heapstash-CPU-s")
			})
		}
	}
}

// measured is what passes took, and what they said.
type measured struct {
	Requests int64 `json:"requests"`
	New      int64 `json:"samples_new"`
	Holes    []struct {
		Lasting bool `json:"lasting"`
	} `json:"holes"`
	apiserver, heapstash time.Duration // of both cores together
}

func (m *measured) add(other measured) {
	m.Requests += other.Requests
	m.New += other.New
	for _, h := range other.Holes {
		if !h.Lasting {
			m.Holes = append(m.Holes, h)
		}
	}
	m.apiserver += other.apiserver
	m.heapstash += other.heapstash
}

func feedAgo(b *testing.B, sim *heapsim.Cluster, ago time.Duration) {
	b.Helper()
	if err := cluster.Heapster.Feed(sim.Next(time.Now().UTC().Truncate(time.Second).Add(-ago))); err != nil {
		b.Fatal(err)
	}
}

func benchPass(b *testing.B, containers, archive string, way ...string) measured {
	b.Helper()
	var m measured
	before, err := rig.CPUTime(cluster.APIServerID())
	if err != nil {
		b.Fatal(err)
	}
	command := exec.CommandContext(b.Context(), programs.Heapstash,
		append([]string{"collect", "--json", "--partial-ok", "--db-file", archive}, way...)...)
	command.Env = []string{"HEAPSTASH_COLLECT_CONTAINERS=" + containers}
	out, err := command.Output()
	if err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &m); err != nil {
		b.Fatal(err)
	}
	after, err := rig.CPUTime(cluster.APIServerID())
	if err != nil {
		b.Fatal(err)
	}
	m.apiserver = after - before
	m.heapstash = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return m
}

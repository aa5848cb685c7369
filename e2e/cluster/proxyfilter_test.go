package cluster

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// TestKubectlProxysFilter archives a cluster through a kubectl proxy with its default
// filter, which refuses requests for a container named executor. Only these samples may
// be missing. With the proxy's flag that the message names, the next pass has them.
func TestKubectlProxysFilter(t *testing.T) {
	defer restartHeapster(t)
	sim := newCluster()
	feed(t, sim, 65*time.Second)
	dir := t.TempDir()
	archive, undisturbed := filepath.Join(dir, "a.db"), filepath.Join(dir, "undisturbed.db")
	collect := func(archive string, way ...string) rig.Outcome {
		return heapstash(t, nil, append([]string{"collect", "--log-format", "text", "--db-file", archive}, way...)...)
	}
	proxy := startProxy(t, "", cluster.AdminConf)
	collect(archive, "--server", proxy).Want(t, 0)
	collect(undisturbed, "--heapster-url", cluster.Heapster.URL).Want(t, 0)
	before := cells(t, archive)

	batch := sim.Next(time.Now().UTC().Truncate(time.Second).Add(-5 * time.Second))
	i := slices.IndexFunc(batch.Sets, func(s heapsim.Set) bool { return s.Entity.Kind == schema.Container })
	executor := batch.Sets[i]
	executor.Entity.Container = "executor"
	batch.Sets = append(batch.Sets, executor)
	if err := cluster.Heapster.Feed(batch); err != nil {
		t.Fatal(err)
	}
	golden(t, "kubectl-proxy-rejects-executor", collect(archive, "--server", proxy).Want(t, 3))
	kept(t, archive, before)
	collect(undisturbed, "--heapster-url", cluster.Heapster.URL).Want(t, 0)
	const others = `SELECT count(*), sum(value) FROM samples WHERE container IS NOT 'executor'`
	if got, want := rig.SQL(t, archive, others), rig.SQL(t, undisturbed, others); got != want {
		t.Errorf("of all but executor %s samples, want %s", got, want)
	}

	collect(archive, "--server", startProxy(t, "", cluster.AdminConf, "--reject-paths=^/api/v1/(proxy/)?(namespaces/[^/]+/pods|nodes)/[^/]+/(proxy/)?(exec|attach|run)")).Want(t, 0)
	if got, want := samples(cells(t, archive)), samples(cells(t, undisturbed)); !slices.Equal(got, want) {
		t.Errorf("%d samples, which are not the %d that there are", len(got), len(want))
	}
	if n := rig.SQL(t, archive, "SELECT count(*) > 0 FROM samples WHERE container = 'executor' AND labels IS NULL"); n != "1" {
		t.Error("there is nothing of executor")
	}
}

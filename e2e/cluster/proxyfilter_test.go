package cluster

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// TestKubectlProxysFilter archives, through a kubectl proxy with its default
// filter, a cluster of which a container is named executor: whatever is asked
// of it is refused, and nothing else. The proxy's flag that the message names
// lets it through.
func TestKubectlProxysFilter(t *testing.T) {
	defer restartHeapster(t)
	batch := newCluster().Next(time.Now().UTC().Truncate(time.Second).Add(-5 * time.Second))
	i := slices.IndexFunc(batch.Sets, func(s heapsim.Set) bool { return s.Entity.Kind == schema.Container })
	executor := batch.Sets[i]
	executor.Entity.Container = "executor"
	batch.Sets = append(batch.Sets, executor)
	if err := cluster.Heapster.Feed(batch); err != nil {
		t.Fatal(err)
	}
	collect := func(name string, way ...string) (string, outcome) {
		archive := filepath.Join(t.TempDir(), name)
		return archive, heapstash(t, nil, append([]string{"collect", "--log-format", "text", "--db-file", archive}, way...)...)
	}

	filtered, o := collect("filtered.db", "--server", startProxy(t, ""))
	golden(t, "kubectl-proxy-rejects-executor", o.want(t, 3))
	allowed, o := collect("allowed.db", "--server",
		startProxy(t, "", "--reject-paths=^/api/v1/namespaces/[^/]+/pods/[^/]+/(exec|attach)"))
	o.want(t, 0)
	kept(t, allowed, cells(t, filtered))
	direct, o := collect("direct.db", "--heapster-url", cluster.Heapster.URL)
	o.want(t, 0)
	if got, want := samples(cells(t, allowed)), samples(cells(t, direct)); !slices.Equal(got, want) {
		t.Errorf("%d samples, which are not the %d that there are", len(got), len(want))
	}
	const missing = `SELECT count(*) FROM samples WHERE container IS NOT 'executor'`
	if got, want := shell(t, filtered, missing), shell(t, direct, missing); got != want {
		t.Errorf("of all but executor %s samples, want %s", got, want)
	}
}

package heapsim_test

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

// large is the cluster that the benchmarks use.
var large = heapsim.ClusterOptions{Seed: 1, Nodes: 50, Namespaces: 40, Pods: 1000}

// setsOf returns the sets of a batch by entity.
func setsOf(t *testing.T, b heapsim.Batch) map[schema.Entity]heapsim.Set {
	t.Helper()
	sets := make(map[schema.Entity]heapsim.Set)
	for _, set := range b.Sets {
		if _, twice := sets[set.Entity]; twice {
			t.Errorf("%s is there twice", set.Entity)
		}
		sets[set.Entity] = set
	}
	return sets
}

func TestClusterIsDeterministic(t *testing.T) {
	batches := func() []heapsim.Batch {
		c := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 3})
		first := c.Next(start)
		c.Churn(2)
		c.Recreate(c.Pods()[3])
		return []heapsim.Batch{first, c.Next(start.Add(time.Minute))}
	}
	if !reflect.DeepEqual(batches(), batches()) {
		t.Error("one seed gave two clusters")
	}
}

func TestClusterCarriesTheRegistry(t *testing.T) {
	c := heapsim.NewCluster(heapsim.ClusterOptions{})
	families := make(map[schema.MetricName]map[schema.Kind]bool)
	kinds := make(map[schema.Kind]bool)
	for _, set := range c.Next(start).Sets {
		kind := set.Entity.Kind
		kinds[kind] = true
		var want []schema.MetricName
		for _, m := range schema.MetricsOf(kind) {
			want = append(want, m.Name)
		}
		slices.Sort(want)
		if got := slices.Sorted(maps.Keys(set.Values)); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", set.Entity, got, want)
		}
		for _, l := range set.Labelled {
			known, _ := schema.Lookup(l.Metric)
			if keys := slices.Sorted(maps.Keys(l.Labels)); !slices.Equal(keys, known.Family.LabelKeys()) {
				t.Errorf("%s of %s: labels %v", l.Metric, set.Entity, keys)
			}
			if families[l.Metric] == nil {
				families[l.Metric] = make(map[schema.Kind]bool)
			}
			families[l.Metric][kind] = true
		}
	}
	if len(kinds) != len(schema.Kinds()) {
		t.Errorf("kinds %v", kinds)
	}
	for _, m := range schema.Registry() {
		for _, kind := range m.Kinds {
			if m.Family != schema.Unlabelled && !families[m.Name][kind] {
				t.Errorf("no %s has %s", kind, m.Name)
			}
		}
	}
}

func TestClusterLeavesOut(t *testing.T) {
	c := heapsim.NewCluster(heapsim.ClusterOptions{
		NoContainers: true, NoSystemContainers: true, NoFilesystems: true, NoDisks: true, NoAccelerators: true,
	})
	for _, set := range c.Next(start).Sets {
		if set.Entity.Container != "" || len(set.Labelled) > 0 {
			t.Errorf("%s with %d labelled values", set.Entity, len(set.Labelled))
		}
	}
}

func TestClusterAddsUp(t *testing.T) {
	c := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 5})
	c.Next(start)
	c.Churn(3)
	batch := c.Next(start.Add(time.Minute))
	sums := make(map[schema.Entity]map[schema.MetricName]float64)
	add := func(to schema.Entity, from heapsim.Set, metrics ...schema.MetricName) {
		if sums[to] == nil {
			sums[to] = make(map[schema.MetricName]float64)
		}
		for _, m := range metrics {
			sums[to][m] += from.Values[m].Float64() // 0 where a new pod has none
		}
	}
	compute := []schema.MetricName{"cpu/request", "cpu/limit", "memory/request", "memory/limit"}
	usage := append(slices.Clone(compute), "cpu/usage_rate", "memory/usage")
	for _, set := range batch.Sets {
		switch of := set.Entity; of.Kind {
		case schema.Container:
			add(schema.PodEntity(of.Namespace, of.Pod), set, append(slices.Clone(usage), "memory/rss", "memory/cache", "memory/working_set",
				"memory/page_faults_rate", "restart_count", "ephemeral_storage/usage", "accelerator/request")...)
		case schema.Pod:
			add(schema.NamespaceEntity(of.Namespace), set, usage...)
			add(schema.NodeEntity(set.Attributes["nodename"]), set, append(slices.Clone(compute), "memory/usage")...)
		case schema.SystemContainer:
			add(schema.NodeEntity(of.Node), set, "memory/usage")
		case schema.Namespace:
			add(schema.ClusterEntity(), set, usage...)
		}
	}
	sets := setsOf(t, batch)
	for of, want := range sums {
		for metric, sum := range want {
			if got := sets[of].Values[metric].Float64(); math.Abs(got-sum) > 1e-6*math.Abs(sum) {
				t.Errorf("%s of %s: got %v, its parts make %v", metric, of, got, sum)
			}
		}
	}
}

func TestClusterCountersGrow(t *testing.T) {
	c := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 5})
	before := setsOf(t, c.Next(start))
	var beyond53 int
	for minute := range 30 {
		c.Churn(1)
		after := setsOf(t, c.Next(start.Add(time.Duration(minute+1)*time.Minute)))
		for of, set := range after {
			for metric, value := range set.Values {
				known, _ := schema.Lookup(metric)
				old, had := before[of].Values[metric]
				if had && known.Type == schema.Cumulative && value.Float64() < old.Float64() {
					t.Errorf("%s of %s fell from %v to %v", metric, of, old, value)
				}
				if strings.HasPrefix(string(metric), "memory/") && known.Unit == schema.Bytes && value.Float64() < 0 {
					t.Errorf("%s of %s is %v", metric, of, value)
				}
				if value.Float64() > 1<<53 {
					beyond53++
				}
			}
		}
		before = after
	}
	if beyond53 == 0 {
		t.Error("no counter is beyond 2^53")
	}
}

func TestClusterChurn(t *testing.T) {
	c := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 5})
	web := schema.PodEntity("team-01", "web-0")
	before := setsOf(t, c.Next(start))
	if _, there := before[schema.PodEntity("team-02", "web-0")]; !there {
		t.Error("web-0 is not in several namespaces")
	}
	killed, added := c.Churn(4)
	if !c.Recreate(web) || !c.Kill(c.Pods()[0]) || c.Kill(schema.PodEntity("a", "b")) || c.Recreate(schema.PodEntity("a", "b")) {
		t.Error("a pod is taken for another")
	}
	after := setsOf(t, c.Next(start.Add(time.Minute)))
	for _, of := range killed {
		if _, there := after[of]; there {
			t.Errorf("%s was killed and is there", of)
		}
	}
	for _, of := range append(added, web) {
		set, there := after[of]
		if !there {
			t.Errorf("%s is not there", of)
		}
		if _, rated := set.Values["cpu/usage_rate"]; rated {
			t.Errorf("%s has a rate in its first batch", of)
		}
	}
	if before[web].Attributes["pod_id"] == after[web].Attributes["pod_id"] {
		t.Error("a recreated pod kept its uid")
	}
	if rx := after[web].Values["network/rx"].Float64(); rx >= before[web].Values["network/rx"].Float64() {
		t.Error("a recreated pod kept its counters")
	}
	last := setsOf(t, c.Next(start.Add(2*time.Minute)))
	if _, rated := last[web].Values["cpu/usage_rate"]; !rated {
		t.Error("no rate in the second batch")
	}
}

// TestClusterDistribution checks the shares of values that change and of zeros, which
// determine the size of an archive.
func TestClusterDistribution(t *testing.T) {
	const batches = 5
	c := heapsim.NewCluster(large)
	before := setsOf(t, c.Next(start))
	type shares struct{ changed, zero float64 }
	total, counted := make(map[schema.Kind]float64), make(map[schema.Kind]shares)
	for minute := range batches {
		after := setsOf(t, c.Next(start.Add(time.Duration(minute+1)*time.Minute)))
		for of, set := range after {
			s := counted[of.Kind]
			for metric, value := range set.Values {
				total[of.Kind]++
				if value != before[of].Values[metric] {
					s.changed++
				}
				if value.Float64() == 0 {
					s.zero++
				}
			}
			counted[of.Kind] = s
		}
		before = after
	}
	for kind, want := range map[schema.Kind]shares{
		schema.Cluster:         {0.33, 0},
		schema.Node:            {0.47, 0.14},
		schema.Namespace:       {0.33, 0},
		schema.Pod:             {0.40, 0.41},
		schema.Container:       {0.38, 0.36},
		schema.SystemContainer: {0.69, 0.17},
	} {
		got := shares{counted[kind].changed / total[kind], counted[kind].zero / total[kind]}
		t.Logf("%s: %.0f values a batch, %.1f%% change, %.1f%% are 0", kind, total[kind]/batches, 100*got.changed, 100*got.zero)
		if math.Abs(got.changed-want.changed) > 0.03 || math.Abs(got.zero-want.zero) > 0.03 {
			t.Errorf("%s: shares %.2f, want %.2f", kind, got, want)
		}
	}
}

func BenchmarkCluster(b *testing.B) {
	podsOnly := large
	podsOnly.NoContainers, podsOnly.NoSystemContainers, podsOnly.NoFilesystems, podsOnly.NoDisks = true, true, true, true
	for name, o := range map[string]heapsim.ClusterOptions{"pods": podsOnly, "everything": large} {
		b.Run(name, func(b *testing.B) {
			c := heapsim.NewCluster(o)
			at := start
			b.ReportAllocs()
			for b.Loop() {
				at = at.Add(time.Minute)
				c.Next(at)
			}
		})
	}
}

func BenchmarkFeed(b *testing.B) {
	batch := heapsim.NewCluster(large).Next(start)
	s := heapsim.New(heapsim.Options{})
	for b.Loop() {
		s.Feed(batch)
	}
}

package lake_test

import (
	"cmp"
	"flag"
	"hash/fnv"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/lake"
	"heapstash/heapster/heapsim"
	"heapstash/schema"
)

var pods = flag.Int("pods", 15, "the number of pods whose day TestSize writes: with 1000, it takes many minutes")

// mostBytes is how many bytes a sample may take.
const mostBytes = 1.1

// TestSize writes a day of a generated cluster, of pods with two containers each.
func TestSize(t *testing.T) {
	l := lake.Open(t.TempDir(), 0o600)
	w := lake.NewWriter(l)
	groups := uint32(1 + *pods/100) // what is in memory at a time is one of so many groups
	for group := range groups {
		days := entityDays(*pods, func(e schema.Entity) bool {
			sum := fnv.New32()
			sum.Write([]byte(e.String()))
			return sum.Sum32()%groups == group
		})
		order := slices.SortedFunc(maps.Keys(days), func(a, b schema.Entity) int {
			return cmp.Or(cmp.Compare(a.Kind.String(), b.Kind.String()), a.Compare(b))
		})
		for _, e := range order {
			s := archive.Series{Cluster: "default", Entity: e}
			metrics := slices.Sorted(maps.Keys(days[e]))
			for _, m := range metrics {
				s.Columns = append(s.Columns, archive.Column{Metric: m})
			}
			s.Samples = func(yield func(archive.Sample) bool) {
				for column, m := range metrics {
					for _, p := range days[e][m] {
						if !yield(archive.Sample{Column: column, At: p.At, Value: p.Value}) {
							return
						}
					}
				}
			}
			if err := w.Write(&s); err != nil {
				t.Fatal(err)
			}
		}
	}
	samples, err := w.EndDay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var bytes int64
	err = filepath.WalkDir(l.Dir(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".parquet") {
			return err
		}
		info, err := entry.Info()
		bytes += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	each := float64(bytes) / float64(samples)
	t.Logf("%d samples of %d pods in %d bytes: %.3f bytes a sample", samples, *pods, bytes, each)
	if each > mostBytes || samples < int64(*pods)*40_000 {
		t.Errorf("%.3f bytes a sample, of %d samples", each, samples)
	}
}

// entityDays returns a day's points of the entities that are wanted.
func entityDays(pods int, wanted func(schema.Entity) bool) map[schema.Entity]map[schema.MetricName][]schema.Point {
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{Seed: 1, Nodes: max(pods/30, 2), Namespaces: max(pods/50, 2), Pods: pods, Containers: 2})
	days := make(map[schema.Entity]map[schema.MetricName][]schema.Point)
	add := func(e schema.Entity, m schema.MetricName, at schema.Instant, v schema.Value) {
		if days[e] == nil {
			days[e] = make(map[schema.MetricName][]schema.Point)
		}
		days[e][m] = append(days[e][m], schema.Point{At: at, Value: v})
	}
	for i := range 24 * 60 {
		at := day + schema.Instant(60*i)
		for _, set := range cluster.Next(time.Unix(int64(at), 0)).Sets {
			if !wanted(set.Entity) {
				continue
			}
			for m, v := range set.Values {
				if _, isInt := v.Int64(); !isInt {
					v = schema.Int(int64(v.Float64())) // as the model API shows it
				}
				add(set.Entity, m, at, v)
			}
			for _, l := range set.Labelled {
				of := set.Entity
				of.Labels = schema.SpellLabels(l.Labels)
				add(of, l.Metric, at, l.Value)
			}
		}
	}
	return days
}

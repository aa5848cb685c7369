package archivetest

import (
	"path"
	"slices"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// samples reads the raw samples of the selection.
func (b *bench) samples(s archive.Selection) map[sampleKey]schema.Value {
	b.Helper()
	samples := make(map[sampleKey]schema.Value)
	b.series(s, func(one *archive.Series) {
		for sample := range one.Samples {
			c := sampleKey{one.Cluster, one.Entity, one.Columns[sample.Column].Metric, sample.At}
			if v, twice := samples[c]; twice {
				b.Errorf("%v comes twice: %v and %v", c, v, sample.Value)
			}
			samples[c] = sample.Value
		}
	})
	return samples
}

func (b *bench) series(s archive.Selection, visit func(*archive.Series)) {
	b.Helper()
	r := b.reader()
	samples, err := r.OpenSamples(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for one, err := range samples.Series(b.Context(), s) {
		if err != nil {
			b.Fatal(err)
		}
		visit(one)
	}
	if err := samples.Close(); err != nil {
		b.Fatal(err)
	}
}

// reader opens the archive for reading, for the length of the test.
func (b *bench) reader() Reader {
	b.Helper()
	r, err := b.Reader(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}

// selections: a reader sees what a selection selects, and nothing else.
func selections(b *bench) {
	entities := []schema.Entity{
		schema.ClusterEntity(), node, schema.NodeEntity("n2"), schema.NamespaceEntity("shop"), schema.NamespaceEntity("ml"),
		web, db, schema.PodEntity("ml", "train[0]"), app, schema.ContainerEntity("ml", "train[0]", "log"), schema.SystemContainerEntity("n2", "kubelet"),
		labelled(node, "resource_id:/"), labelled(app, "resource_id:Volume:data"), labelled(schema.NodeEntity("n2"), "resource_id:/dev/sda1"),
	}
	var rows []schema.Row
	want := make(map[sampleKey]schema.Value)
	for _, of := range []string{cluster, "test"} {
		rows = rows[:0]
		for i, e := range entities {
			for batch := range schema.Instant(5) {
				r := row(e, noon+batch*hour, "memory/usage", i+int(batch), "custom/a/b", 1)
				if e.Labels != "" {
					r = row(e, noon+batch*hour, "filesystem/usage", i, "disk/io_read_bytes", i)
				}
				rows = append(rows, r)
			}
		}
		b.write(of, archive.Batch{Rows: rows})
		want = union(want, samplesOf(of, rows...))
	}
	b.upkeep(nil, noon+4*hour) // some of them are rearranged, and some are not
	b.holds(want)
	names := func(globs ...string) []string { return globs }
	for _, s := range []archive.Selection{
		{Filter: archive.Filter{Clusters: names("test")}},
		{Filter: archive.Filter{Clusters: names("nosuch")}},
		{Filter: archive.Filter{Namespaces: names("sh*")}},
		{Filter: archive.Filter{Namespaces: names("shop", "m?")}, Kinds: []schema.Kind{schema.Pod}},
		{Filter: archive.Filter{Pods: names(`train\[0\]`)}},
		{Filter: archive.Filter{Pods: names("train[0]")}}, // which is train0
		{Filter: archive.Filter{Containers: names("*")}},
		{Filter: archive.Filter{Nodes: names("n[2-9]")}},
		{Filter: archive.Filter{ExcludeNamespaces: names("ml")}},
		{Filter: archive.Filter{Labels: map[string]string{"resource_id": "/*"}}},
		{Metrics: names("custom/*")},
		{Metrics: names("memory/usage", "disk/*")},
		{Kinds: []schema.Kind{schema.Node, schema.Container}},
		{Window: schema.Window{From: noon + hour, To: noon + 2*hour}},
		{Window: schema.Window{From: noon + hour + 1}},
		{Window: schema.Window{To: noon + hour}, Kinds: []schema.Kind{schema.Cluster}},
	} {
		selected := make(map[sampleKey]schema.Value)
		for c, v := range want {
			if selects(s, c) {
				selected[c] = v
			}
		}
		got := b.samples(s)
		for _, c := range differences(got, selected) {
			b.Errorf("%+v: %v is %v, want %v", s, c, got[c], selected[c])
		}
	}
}

func differences(a, b map[sampleKey]schema.Value) (samples []sampleKey) {
	for c := range union(a, b) {
		x, inA := a[c]
		y, inB := b[c]
		if inA != inB || x != y {
			samples = append(samples, c)
		}
	}
	slices.SortFunc(samples, compareKeys)
	return samples
}

// selects is the selection's rule as its comment has it.
func selects(s archive.Selection, c sampleKey) bool {
	for key, glob := range s.Labels {
		pairs := strings.Split(c.Entity.Labels, ",")
		if !slices.ContainsFunc(pairs, func(pair string) bool {
			value, ok := strings.CutPrefix(pair, key+":")
			return ok && like(glob, value)
		}) {
			return false
		}
	}
	of := func(globs []string, name string) bool {
		return len(globs) == 0 || name != "" && slices.ContainsFunc(globs, func(glob string) bool { return like(glob, name) })
	}
	e := c.Entity
	return of(s.Clusters, c.Cluster) && of(s.Namespaces, e.Namespace) && of(s.Pods, e.Pod) && of(s.Containers, e.Container) && of(s.Nodes, e.Node) &&
		(len(s.ExcludeNamespaces) == 0 || e.Namespace == "" || !of(s.ExcludeNamespaces, e.Namespace)) &&
		of(s.Metrics, string(c.Metric)) && (len(s.Kinds) == 0 || slices.Contains(s.Kinds, e.Kind)) &&
		c.At >= s.Window.From && (s.Window.To == 0 || c.At <= s.Window.To)
}

func like(glob, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(glob, "/", "|"), strings.ReplaceAll(name, "/", "|"))
	return err == nil && ok
}

// retention: samples of a kind that are older than its retention are deleted, and all
// others stay.
func retention(b *bench) {
	kept := archive.Retention{archive.Raw: {schema.Pod: 10 * 24 * time.Hour, schema.Container: time.Minute}}
	var rows []schema.Row
	for days := range schema.Instant(40) {
		for _, e := range []schema.Entity{web, app, node, labelled(node, "resource_id:/"), labelled(app, "resource_id:/")} {
			r := row(e, noon-days*day, "memory/usage", int(days), "custom/x", int(days))
			if e.Labels != "" {
				r = row(e, noon-days*day, "filesystem/usage", int(days))
			}
			rows = append(rows, r)
		}
	}
	b.write(cluster, archive.Batch{Rows: rows, Horizon: noon})
	b.upkeep(kept, noon)
	got := b.samples(archive.Selection{})
	for c, v := range samplesOf(cluster, rows...) {
		keep := max(kept[archive.Raw][c.Entity.Kind], archive.LeastRetention(archive.Raw))
		_, limited := kept[archive.Raw][c.Entity.Kind]
		stays, stored := !limited || c.At >= noon.Add(-keep), false
		if _, stored = got[c]; stored && got[c] != v {
			b.Errorf("%v is %v, want %v", c, got[c], v)
		}
		if stays && !stored {
			b.Errorf("%v is gone, and is kept %v", c, keep)
		}
		if stored && limited && c.At < noon.Add(-keep-b.Slack) {
			b.Errorf("%v is there, and is kept %v", c, keep)
		}
	}
}

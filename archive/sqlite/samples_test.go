package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// seen keeps what a reading yields, a line a sample, as the shell prints it.
type seen struct {
	lines  []string
	series []string // of each line
}

// see reads the selected samples.
func (s *seen) see(t *testing.T, samples archive.Samples, selection archive.Selection) {
	t.Helper()
	for series, err := range samples.Series(t.Context(), selection) {
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.lines)
		for sample := range series.Samples {
			e, c := series.Entity, series.Columns[sample.Column]
			name := fmt.Sprintf("%s|%v|%s|%s|%s|%s|%s|%s", series.Cluster, e.Kind, e.Namespace, e.Pod, e.Container, e.Node, e.Labels, c.Metric)
			if c.Statistic != "" {
				name += " " + string(c.Statistic)
			}
			s.series = append(s.series, name)
			s.lines = append(s.lines, fmt.Sprintf("%s|%d|%v", name, sample.At, sample.Value))
		}
		if len(s.lines) == before {
			t.Errorf("%v has no sample", series.Entity)
		}
		if series.Done < 1 || series.Done > series.Of {
			t.Errorf("%d of %d entities are done", series.Done, series.Of)
		}
	}
}

// seeApart reads the samples of one column after the other.
func (s *seen) seeApart(t *testing.T, samples archive.Samples, selection archive.Selection) {
	t.Helper()
	all := selection
	for _, m := range samples.Names() {
		if !all.MatchesMetric(m) {
			continue
		}
		selection.Metrics = []string{schema.Verbatim(string(m))}
		if selection.Level == archive.Raw {
			s.see(t, samples, selection)
			continue
		}
		for _, statistic := range archive.Statistics() {
			selection.Statistics = []archive.Statistic{statistic}
			s.see(t, samples, selection)
		}
	}
}

func openSamples(t *testing.T, path string) archive.Samples {
	t.Helper()
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	samples, err := r.OpenSamples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { samples.Close() })
	return samples
}

// mixed writes samples of every kind of table, in the hot and the cold ones.
func mixed(t *testing.T, path string) *sqlite.Store {
	s := open(t, path)
	disk := schema.Entity{Kind: schema.Node, Node: "n1", Labels: "resource_id:/dev/sda1"}
	odd := schema.Entity{Kind: schema.Node, Node: "n1", Labels: "shape:round"}
	for i := range 200 {
		at := noon + schema.Instant(60*i)
		rows := []schema.Row{
			row(web0, at, reading("cpu/usage_rate", int64(i)), reading("custom/a", int64(-i)), reading("custom/b", 1<<60+int64(i))),
			row(schema.PodEntity("shop", "web-1"), at, reading("memory/usage", 1<<53+int64(i))),
			row(schema.ContainerEntity("shop", "web-0", "c"), at, reading("uptime", int64(60*i))),
			row(schema.ClusterEntity(), at, reading("cpu/usage_rate", int64(2*i))),
			row(schema.SystemContainerEntity("n1", "kubelet"), at, readingOf("memory/page_faults_rate", schema.Real(float64(i)/8))),
			row(disk, at, reading("filesystem/usage", int64(i)), reading("disk/io_read_bytes", int64(i))),
			row(odd, at, reading("custom/a", int64(i))),
		}
		if i%3 == 0 {
			rows = append(rows, row(schema.PodEntity("shop", "web-1"), at, readingOf("custom/a", schema.Real(0.5))))
		}
		write(t, s, rows...)
		if i == 150 {
			if rows, err := upkeep.CompactSome(t.Context(), s.Writer, at); err != nil || rows == 0 { // two hours, and the rest stays hot
				t.Fatal(rows, err)
			}
		}
	}
	return s
}

// TestSamplesAreTheView holds a reading to what the view has.
func TestSamplesAreTheView(t *testing.T) {
	path := newPath(t)
	mixed(t, path)
	for name, of := range map[string]struct {
		selection archive.Selection
		where     string
	}{
		"all":       {archive.Selection{}, "1"},
		"a range":   {archive.Selection{Window: schema.Window{From: noon + 1800, To: noon + 7200}}, "ts BETWEEN 1506515400 AND 1506520800"},
		"cold":      {archive.Selection{Window: schema.Window{To: noon + 600}}, "ts <= 1506514200"},
		"hot":       {archive.Selection{Window: schema.Window{From: noon + 11000}}, "ts >= 1506524600"},
		"nothing":   {archive.Selection{Window: schema.Window{From: noon + 100000}}, "0"},
		"an entity": {archive.Selection{Filter: archive.Filter{Pods: []string{"web-0"}}}, "pod = 'web-0'"},
		"kinds":     {archive.Selection{Kinds: []schema.Kind{schema.Node, schema.Cluster}}, "kind IN ('node', 'cluster')"},
		"labels":    {archive.Selection{Filter: archive.Filter{Labels: map[string]string{"resource_id": "/dev/*"}}}, "labels GLOB 'resource_id:/dev/*'"},
		"metrics": {archive.Selection{Metrics: []string{"custom/a", "cpu/*", "disk/io_read_bytes"}},
			"metric IN ('custom/a', 'cpu/usage_rate', 'disk/io_read_bytes')"},
		"no metric": {archive.Selection{Metrics: []string{"none"}}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			want := strings.Fields(stock(t, path, "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, value FROM samples WHERE "+of.where))
			slices.Sort(want)
			if (len(want) == 0) != (of.where == "0") {
				t.Fatalf("%d samples are expected", len(want))
			}
			samples := openSamples(t, path)
			of.selection.Level = archive.Raw
			var all, apart seen
			all.see(t, samples, of.selection)
			seriesInOrder(t, all, false)
			if slices.Sort(all.lines); !slices.Equal(all.lines, want) {
				t.Errorf("%d samples are read, and there are %d", len(all.lines), len(want))
			}
			apart.seeApart(t, samples, of.selection)
			seriesInOrder(t, apart, true)
			if slices.Sort(apart.lines); !slices.Equal(apart.lines, want) {
				t.Errorf("by metric, %d samples are read, and there are %d", len(apart.lines), len(want))
			}
		})
	}
}

// seriesInOrder checks that the samples of each series come in the order of time,
// and, if they should, at a stretch.
func seriesInOrder(t *testing.T, s seen, together bool) {
	t.Helper()
	last := make(map[string]string)
	before := ""
	for i, series := range s.series {
		// The times have as many digits.
		if at := strings.TrimPrefix(s.lines[i], series)[:11]; last[series] >= at {
			t.Fatalf("%s: %s after %s", series, at, last[series])
		} else if together && last[series] != "" && before != series {
			t.Fatalf("%s is interrupted by %s", series, before)
		} else {
			last[series] = at
		}
		before = series
	}
}

// TestRollupsOfSamplesAreTheView: every statistic that the view shows is told,
// and nothing else.
func TestRollupsOfSamplesAreTheView(t *testing.T) {
	path := newPath(t)
	s := mixed(t, path)
	if _, err := upkeep.CompactSome(t.Context(), s.Writer, noon.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	for _, level := range []archive.Level{archive.Hourly, archive.Daily} {
		var each []string
		for _, statistic := range archive.Statistics() {
			each = append(each, fmt.Sprintf("SELECT %s, metric || ' %s', ts, CASE typeof(%[2]s) WHEN 'real' THEN printf('%%!.17g', %[2]s) ELSE %[2]s END FROM samples_%[3]s WHERE %[2]s IS NOT NULL",
				"cluster, kind, namespace, pod, container, node, labels", statistic, level))
		}
		want := strings.Split(stock(t, path, strings.Join(each, " UNION ALL ")), "\n")
		for i, line := range want { // digits that a float does not need
			cut := strings.LastIndex(line, "|") + 1
			if f, err := strconv.ParseFloat(line[cut:], 64); err == nil && strings.ContainsAny(line[cut:], ".e") {
				want[i] = line[:cut] + schema.Real(f).String()
			}
		}
		slices.Sort(want)
		if len(want) < 50 {
			t.Fatalf("%s: %d statistics are expected", level, len(want))
		}
		samples := openSamples(t, path)
		var all, apart seen
		all.see(t, samples, archive.Selection{Level: level})
		seriesInOrder(t, all, false)
		apart.seeApart(t, samples, archive.Selection{Level: level})
		seriesInOrder(t, apart, true)
		slices.Sort(all.lines)
		slices.Sort(apart.lines)
		if !slices.Equal(all.lines, want) || !slices.Equal(apart.lines, want) {
			t.Errorf("%s: %d and %d statistics are read, and there are %d", level, len(all.lines), len(apart.lines), len(want))
			for i := range min(len(want), len(all.lines)) {
				if all.lines[i] != want[i] {
					t.Fatalf("got %s, want %s", all.lines[i], want[i])
				}
			}
		}
	}
}

// TestSamplesAreOfOneMoment: what moves, and what is written, while they are
// read, neither comes twice nor is missing.
func TestSamplesAreOfOneMoment(t *testing.T) {
	path := newPath(t)
	s := mixed(t, path)
	samples := openSamples(t, path)
	var before, after seen
	before.see(t, samples, archive.Selection{})
	if _, err := upkeep.CompactSome(t.Context(), s.Writer, noon.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	write(t, s, row(web0, noon+90000, reading("cpu/usage_rate", 1)))
	after.see(t, samples, archive.Selection{})
	if !slices.Equal(before.lines, after.lines) {
		t.Errorf("%d samples before and %d after", len(before.lines), len(after.lines))
	}
}

// TestSamplesEnd: a caller may stop anywhere and go on with another selection, and
// a context ends a reading.
func TestSamplesEnd(t *testing.T) {
	path := newPath(t)
	mixed(t, path)
	samples := openSamples(t, path)
	for range samples.Series(t.Context(), archive.Selection{}) {
		break
	}
	read := 0
	for series, err := range samples.Series(t.Context(), archive.Selection{Metrics: []string{"cpu/usage_rate"}}) {
		if err != nil {
			t.Fatal(err)
		}
		for range series.Samples {
			read++
			break
		}
	}
	if read != 2 { // the cluster and the pod
		t.Errorf("%d series", read)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended []error
	for _, err := range samples.Series(ctx, archive.Selection{}) {
		cancel()
		ended = append(ended, err)
	}
	if len(ended) != 2 || ended[0] != nil || !errors.Is(ended[1], context.Canceled) {
		t.Errorf("cancelled: %v", ended)
	}
	var all seen
	if all.see(t, samples, archive.Selection{}); len(all.lines) < 1000 {
		t.Errorf("%d samples after that", len(all.lines))
	}
}

// TestIncarnationsOfSamples: a pod's, its containers' and its file systems'
// are told, those of others are not.
func TestIncarnationsOfSamples(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	put := func(cluster, uid string, at schema.Instant, e schema.Entity) {
		t.Helper()
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: cluster})
		if err != nil {
			t.Fatal(err)
		}
		batch := archive.Batch{Pass: pass, Cluster: cluster, Horizon: at, Seen: at, Rows: []schema.Row{row(e, at, reading("memory/usage", 1))}}
		if e == web0 {
			batch.Appeared = []schema.Entity{web0}
			batch.Identities = []schema.Identity{{Pod: web0, UID: uid, Node: "n of " + uid, Since: at}}
		}
		if _, err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	put("default", "a", noon, web0)
	put("default", "b", noon+60, web0)
	put("other", "c", noon, web0)
	put("default", "", noon+60, schema.ContainerEntity("shop", "web-0", "c"))
	put("default", "", noon+60, schema.NamespaceEntity("shop"))
	var got []string
	for series, err := range openSamples(t, path).Series(t.Context(), archive.Selection{Incarnations: true}) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprint(series.Cluster, " ", series.Entity)
		for _, i := range series.Incarnations {
			line += fmt.Sprintf(" %s %s %d..%d", i.UID, i.Node, i.From-noon, max(i.To-noon, -1))
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		"default namespace:shop",
		"default namespace:shop/pod:web-0 a n of a 0..59 b n of b 60..-1",
		"default namespace:shop/pod:web-0/container:c a n of a 0..59 b n of b 60..-1",
		"other namespace:shop/pod:web-0 c n of c 0..-1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("incarnations:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

package lake_test

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/export"
	"heapstash/archive/lake"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/read"
	"heapstash/schema"
)

const (
	day  = schema.Instant(1506470400) // 2017-09-27T00:00:00Z
	noon = day + 12*3600
)

// oddRows are rows with what is hard to keep: of several days, negative, beyond 2^53,
// floats of integer metrics, labels, and names in UTF-8 with slashes and quotes.
func oddRows(at schema.Instant) []schema.Row {
	n := int64(at)
	row := func(e schema.Entity, readings ...schema.Reading) schema.Row {
		return schema.Row{Entity: e, At: at, Readings: readings}
	}
	is := func(m schema.MetricName, v schema.Value) schema.Reading { return schema.Reading{Metric: m, Value: v} }
	labelled := func(e schema.Entity, labels string) schema.Entity { e.Labels = labels; return e }
	pod, node := schema.PodEntity("shop", "web-0"), schema.NodeEntity("n1")
	app := schema.ContainerEntity("shop", "web-0", "app")
	return []schema.Row{
		row(schema.ClusterEntity(), is("cpu/usage_rate", schema.Int(-n))),
		row(node, is("cpu/usage", schema.Int(1<<53+n)), is("network/rx_rate", schema.Real(float64(n)/3)), is("cpu/node_capacity", schema.Int(4000)),
			is("cpu/usage_rate", schema.Int(n%4000)), is("cpu/node_allocatable", schema.Real(3920)), is("cpu/node_utilization", schema.Int(0)),
			is("memory/node_utilization", schema.Real(0.25))),
		row(schema.NamespaceEntity("shop"), is("memory/usage", schema.Int(math.MaxInt64))),
		row(pod, is("memory/usage", schema.Int(math.MinInt64)), is("uptime", schema.Real(2)), is("custom/größe/a \"b\" {c}=d%", schema.Int(n)),
			is("custom/mixed", []schema.Value{schema.Int(1), schema.Real(1.5), schema.Real(math.Inf(1))}[n/60%3])),
		row(schema.PodEntity("shop", "web-1"), is("cpu/usage_rate", schema.Int(0))),
		row(app, is("restart_count", schema.Int(-1)), is("custom/in container", schema.Real(math.SmallestNonzeroFloat64))),
		row(schema.SystemContainerEntity("n1", `system "slice"/ü`), is("memory/page_faults_rate", schema.Real(0.1))),
		row(labelled(node, "resource_id:/dev/sda1"), is("filesystem/usage", schema.Int(n)), is("disk/io_read_bytes", schema.Int(n*n))),
		row(labelled(pod, "resource_id:Volume:data, and=logs"), is("filesystem/usage", schema.Int(7))),
		row(labelled(app, "accelerator_id:GPU-0,make:nvidia,model:tesla k80"), is("accelerator/duty_cycle", schema.Int(50))),
		row(labelled(node, `shape:C:\`), is("custom/area", schema.Int(n))),
	}
}

// clusters have names that are hard to spell in a path.
var clusters = []string{"prod", `a/b=c %41+ü"*.`}

// newArchive makes an archive with rows at the times, of each cluster.
func newArchive(t *testing.T, times ...schema.Instant) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	write(t, path, clusters, times...)
	return path
}

func write(t *testing.T, path string, clusters []string, times ...schema.Instant) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	writeTo(t, s, clusters, times...)
}

// writer is an archive that is open for passes.
type writer interface {
	BeginPass(context.Context, archive.Pass) (archive.PassID, error)
	Write(context.Context, archive.Batch) (archive.Written, error)
}

func writeTo(t *testing.T, s writer, clusters []string, times ...schema.Instant) {
	t.Helper()
	for _, cluster := range clusters {
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: cluster})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range times {
			if _, err := s.Write(t.Context(), archive.Batch{Pass: pass, Cluster: cluster, Rows: oddRows(at), Horizon: at}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func open(t *testing.T, path string) *read.Samples {
	t.Helper()
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	samples, err := read.OpenSamples(t.Context(), r.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { samples.Close() })
	return samples
}

// spelled returns a line for each sample, sorted.
func spelled(t *testing.T, all iter.Seq2[*archive.Series, error]) (lines []string) {
	t.Helper()
	for s, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		for sample := range s.Samples {
			lines = append(lines, fmt.Sprintf("%q %v %s %d %v", s.Cluster, s.Entity, s.Columns[sample.Column].Metric, sample.At, sample.Value))
		}
	}
	slices.Sort(lines)
	return lines
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	for i, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("new: %s", line)
		}
		if i > 0 && got[i-1] == line {
			t.Errorf("twice: %s", line)
		}
	}
	if len(want) == 0 {
		t.Error("nothing is compared")
	}
}

// times are of three days, the second of which has none.
var times = []schema.Instant{day, noon, noon + 60, day + 24*3600 - 1, day + 2*24*3600, day + 2*24*3600 + 60}

// What is exported is read again, cell by cell.
func TestExportIsExact(t *testing.T) {
	full, empty := open(t, newArchive(t, times...)), open(t, newArchive(t))
	dir := t.TempDir()
	result, err := export.WriteParquet(t.Context(), lake.Open(dir, 0o640), full, archive.Selection{}, export.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := spelled(t, full.Series(t.Context(), archive.Selection{}))
	shown := spelled(t, full.Series(t.Context(), archive.Selection{Shown: true}))
	equal(t, spelled(t, lake.Open(dir, 0o640).With(empty).Series(t.Context(), archive.Selection{Shown: true})), shown)
	if result.Samples != int64(len(all)) {
		t.Errorf("%d samples are written, of %d", result.Samples, len(all))
	}
	equal(t, spelled(t, lake.Open(dir, 0o640).With(empty).Series(t.Context(), archive.Selection{})), all)

	for name, s := range map[string]archive.Selection{
		"cluster": {Filter: archive.Filter{Clusters: []string{"prod"}}},
		"pod":     {Filter: archive.Filter{Pods: []string{"web-0"}}},
		"kind":    {Kinds: []schema.Kind{schema.Node}},
		"metric":  {Metrics: []string{"custom/*", "cpu/usage"}},
		"ratio":   {Metrics: []string{"*/node_utilization"}},
		"label":   {Filter: archive.Filter{Labels: map[string]string{"resource_id": "/dev/*"}}},
		"window":  {Window: schema.Window{From: noon + 1, To: day + 2*24*3600}},
	} {
		t.Run(name, func(t *testing.T) {
			want := spelled(t, full.Series(t.Context(), s))
			if len(want) == len(all) {
				t.Error("it selects everything")
			}
			equal(t, spelled(t, lake.Open(dir, 0o640).With(empty).Series(t.Context(), s)), want)
			dir := t.TempDir()
			if _, err := export.WriteParquet(t.Context(), lake.Open(dir, 0o640), full, s, export.Options{}); err != nil {
				t.Fatal(err)
			}
			if name != "ratio" { // without its parts
				equal(t, spelled(t, lake.Open(dir, 0o640).With(empty).Series(t.Context(), archive.Selection{})), want)
			}
		})
	}
}

// keep keeps all rows of a day that the archive has.
func keep(t *testing.T, l *lake.Lake, from lake.Archive, at schema.Instant) {
	t.Helper()
	window := schema.Window{From: at, To: at + 24*3600 - 1}
	for _, cluster := range clusters {
		for _, table := range lake.Tables() {
			s := archive.Selection{Filter: archive.Filter{Clusters: []string{schema.Verbatim(cluster)}}, Window: window, Shown: true}
			conflicts, err := l.Keep(t.Context(), archive.LakeDay{Table: table, Cluster: cluster, Day: at}, from.Table(t.Context(), table, nil, s))
			if err != nil || len(conflicts) != 0 {
				t.Fatal(conflicts, err)
			}
		}
	}
}

// filesOf returns the files with their times of change.
func filesOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		files = append(files, fmt.Sprint(path, info.ModTime()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Keeping rows again changes nothing; late rows are added; rows that are in the lake and
// in the archive are read once.
func TestKeep(t *testing.T) {
	path := newArchive(t, day, noon+60)
	dir := t.TempDir()
	l := lake.Open(dir, 0o640)
	keep(t, l, open(t, path), day)
	files := filesOf(t, dir)
	keep(t, l, open(t, path), day)
	if again := filesOf(t, dir); len(files) == 0 || !slices.Equal(again, files) {
		t.Errorf("again: %v, before: %v", again, files)
	}
	for _, file := range files {
		if strings.Contains(file, "draft") {
			t.Errorf("%s is left", file)
		}
	}
	late := newArchive(t, noon, day+23*3600)
	keep(t, l, open(t, late), day)
	if again := filesOf(t, dir); len(again) != len(files) {
		t.Errorf("late rows: %v, before: %v", again, files)
	}
	write(t, path, clusters, noon, day+23*3600, day+24*3600)
	whole := open(t, path)
	equal(t, spelled(t, l.With(whole).Series(t.Context(), archive.Selection{})), spelled(t, whole.Series(t.Context(), archive.Selection{})))
}

// keepPods keeps a sample of each pod.
func keepPods(t *testing.T, l *lake.Lake, value schema.Value, pods ...string) (conflicts []archive.Conflict) {
	t.Helper()
	conflicts, err := l.Keep(t.Context(), archive.LakeDay{Table: "pod", Cluster: "prod", Day: day}, func(yield func(*archive.Series, error) bool) {
		for _, pod := range pods {
			yield(&archive.Series{Cluster: "prod", Entity: schema.PodEntity("shop", pod), Columns: []archive.Column{{Metric: "uptime"}},
				Samples: slices.Values([]archive.Sample{{At: noon, Value: value}})}, nil)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return conflicts
}

// New entities are written behind the last part, or into the part that is around them.
func TestKeepAddsParts(t *testing.T) {
	l := lake.Open(t.TempDir(), 0o640)
	empty := open(t, newArchive(t))
	for _, step := range []struct {
		pods        []string
		rows, files int
	}{
		{[]string{"c", "e"}, 2, 1},
		{[]string{"f", "h"}, 4, 2},
		{[]string{"a", "d"}, 6, 2},
		{[]string{"b", "g", "i"}, 9, 3},
		{[]string{"a", "e", "f", "i"}, 9, 3},
	} {
		keepPods(t, l, schema.Int(1), step.pods...)
		usage, err := l.Usage()
		if err != nil || len(usage) != 1 || usage[0].Files != step.files || usage[0].Days != 1 || usage[0].Bytes == 0 {
			t.Errorf("%v: %+v, %v, want %d files", step.pods, usage, err, step.files)
		}
		if got := spelled(t, l.With(empty).Series(t.Context(), archive.Selection{})); len(got) != step.rows {
			t.Errorf("%v: %v, want %d", step.pods, got, step.rows)
		}
	}
}

// Of two values of a sample, the lake's stays; an exact one replaces a cut one.
func TestKeepMeetsValues(t *testing.T) {
	l := lake.Open(t.TempDir(), 0o640)
	empty := open(t, newArchive(t))
	for _, step := range []struct {
		value, stays schema.Value
		conflicts    []archive.Conflict
	}{
		{schema.Int(2), schema.Int(2), nil},
		{schema.Int(3), schema.Int(2), []archive.Conflict{{Entity: schema.PodEntity("shop", "a"), Metric: "uptime", At: noon, Kept: schema.Int(2), Refused: schema.Int(3)}}},
		{schema.Real(2.5), schema.Real(2.5), nil},
		{schema.Int(2), schema.Real(2.5), nil},
	} {
		if conflicts := keepPods(t, l, step.value, "a"); !slices.Equal(conflicts, step.conflicts) {
			t.Errorf("%v: conflicts %v", step.value, conflicts)
		}
		got := spelled(t, l.With(empty).Series(t.Context(), archive.Selection{}))
		if want := []string{fmt.Sprintf("%q %v uptime %d %v", "prod", schema.PodEntity("shop", "a"), noon, step.stays)}; !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", step.value, got, want)
		}
	}
}

// Keep refuses a lake that it cannot write, and leaves it as it is.
func TestKeepRefuses(t *testing.T) {
	path := newArchive(t, noon)
	dir := t.TempDir()
	pods := func() iter.Seq2[*archive.Series, error] {
		return open(t, path).Table(t.Context(), "pod", nil, archive.Selection{Filter: archive.Filter{Clusters: []string{"prod"}}})
	}
	of := archive.LakeDay{Table: "pod", Cluster: "prod", Day: day}
	if _, err := lake.Open(filepath.Join(dir, "none"), 0o640).Keep(t.Context(), of, pods()); err == nil || !strings.Contains(schema.HintOf(err), "must exist") {
		t.Errorf("%v, hint %q", err, schema.HintOf(err))
	}
	l := lake.Open(dir, 0o640)
	if _, err := l.Keep(t.Context(), archive.LakeDay{Table: "pod", Cluster: "prod", Day: day + 24*3600}, pods()); err == nil {
		t.Error("rows of another day are kept")
	}
	part := filepath.Join(dir, "kind=pod", "cluster=prod", "day=2017-09-27", "part-0.parquet")
	for name, content := range map[string]string{"part-0.parquet": "PAR1 not Parquet PAR1", "other.parquet": ""} {
		file := filepath.Join(filepath.Dir(part), name)
		if err := os.MkdirAll(filepath.Dir(part), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Keep(t.Context(), of, pods()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != content {
			t.Errorf("%s: %q, %v", name, now, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// A damaged part is an error of one line that names it, and no file stays open.
func TestDamagedPart(t *testing.T) {
	dir := t.TempDir()
	l := lake.Open(dir, 0o640)
	keepPods(t, l, schema.Int(1), "a")
	part := filepath.Join(dir, "kind=pod", "cluster=prod", "day=2017-09-27", "part-0.parquet")
	if err := os.WriteFile(part, []byte("PAR1 not Parquet PAR1"), 0o666); err != nil {
		t.Fatal(err)
	}
	empty := open(t, newArchive(t))
	openFiles := func() (open int) {
		links, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && target == part {
				open++
			}
		}
		return open
	}
	for _, err := range l.With(empty).Series(t.Context(), archive.Selection{}) {
		if err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") || !strings.Contains(schema.HintOf(err), "from a backup") {
			t.Errorf("%v, hint %q", err, schema.HintOf(err))
		}
	}
	if n := openFiles(); n != 0 {
		t.Errorf("%d files are open", n)
	}
}

// Directories with names that heapstash does not give are ignored, as other files are.
func TestForeignDirectories(t *testing.T) {
	dir := t.TempDir()
	l := lake.Open(dir, 0o640)
	keepPods(t, l, schema.Int(1), "a")
	for _, name := range []string{"day=2026-11-22.bak", "day=2026-02-30", "day="} {
		if err := os.Mkdir(filepath.Join(dir, "kind=pod", "cluster=prod", name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"cluster=a%zz", "cluster=a%2fb", "cluster=a b"} {
		if err := os.MkdirAll(filepath.Join(dir, "kind=pod", name, "day=2017-09-27"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if usage, err := l.Usage(); err != nil || len(usage) != 1 || usage[0].Days != 1 {
		t.Errorf("%+v, %v", usage, err)
	}
	if got := spelled(t, l.With(open(t, newArchive(t))).Series(t.Context(), archive.Selection{})); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

// The hint of an error of reading does not ask for the right to write, and says what helps.
func TestHints(t *testing.T) {
	l := lake.Open(filepath.Join(t.TempDir(), "none"), 0o640)
	for _, err := range l.With(open(t, newArchive(t))).Series(t.Context(), archive.Selection{}) {
		if err == nil || !strings.Contains(schema.HintOf(err), "is it mounted?") {
			t.Errorf("%v, hint %q", err, schema.HintOf(err))
		}
	}
	if _, err := l.Usage(); err == nil || !strings.Contains(schema.HintOf(err), "is it mounted?") {
		t.Errorf("%v, hint %q", err, schema.HintOf(err))
	}
	of := archive.LakeDay{Table: "pod", Cluster: strings.Repeat("%", 100), Day: day}
	_, err := lake.Open(t.TempDir(), 0o640).Keep(t.Context(), of, func(yield func(*archive.Series, error) bool) {
		yield(&archive.Series{Cluster: of.Cluster, Entity: schema.PodEntity("shop", "a"), Columns: []archive.Column{{Metric: "uptime"}},
			Samples: slices.Values([]archive.Sample{{At: noon, Value: schema.Int(1)}})}, nil)
	})
	if err == nil || !strings.Contains(schema.HintOf(err), "cluster_name") {
		t.Errorf("%v, hint %q", err, schema.HintOf(err))
	}
}

// A day that the archive noted and the lake lacks is an error, if the selection reads it.
func TestMissingDay(t *testing.T) {
	dir := t.TempDir()
	l := lake.Open(dir, 0o640)
	path := newArchive(t, times...)
	for _, at := range times {
		keep(t, l, open(t, path), archive.Daily.Begin(at))
	}
	const last = day + 2*24*3600
	both := l.With(open(t, newArchive(t)))
	for _, table := range []string{"pod", "filesystem"} {
		for _, cluster := range clusters {
			for _, span := range []schema.Window{{From: day, To: day + 24*3600}, {From: last, To: last + 120}} { // the day between has no rows
				both.Noted = append(both.Noted, archive.LakeSpan{Cluster: cluster, Table: table, Kind: schema.Pod, From: span.From, Until: span.To})
			}
		}
	}
	if err := l.Check(both.Noted); err != nil {
		t.Error(err)
	}
	if n := len(spelled(t, both.Series(t.Context(), archive.Selection{}))); n == 0 {
		t.Error("nothing is read")
	}
	missing := filepath.Join(dir, "kind=pod", "cluster=prod", "day=2017-09-29")
	if err := os.Remove(filepath.Join(missing, "part-0.parquet")); err != nil { // its directory stays
		t.Fatal(err)
	}
	const message = `no files of cluster "prod", table pod, day 2017-09-29`
	if err := l.Check(both.Noted); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), message) || !strings.Contains(schema.HintOf(err), "mounted") {
		t.Errorf("%v, hint %q", err, schema.HintOf(err))
	}
	nodes, other := archive.Selection{Kinds: []schema.Kind{schema.Node}}, archive.Selection{Filter: archive.Filter{Clusters: []string{schema.Verbatim(clusters[1])}}}
	for name, test := range map[string]struct {
		archive.Selection
		fails bool
	}{
		"all":             {archive.Selection{}, true},
		"pods":            {archive.Selection{Kinds: []schema.Kind{schema.Pod}}, true},
		"its last second": {archive.Selection{Window: schema.Window{From: last + 119, To: last + 119}}, true},
		"behind it":       {archive.Selection{Window: schema.Window{From: last + 24*3600}}, false},
		"before it":       {archive.Selection{Window: schema.Window{To: last - 1}}, false},
		"other kind":      {nodes, false},
		"other cluster":   {other, false},
		"other table":     {archive.Selection{Metrics: []string{"filesystem/*"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var failed error
			for _, failed = range both.Series(t.Context(), test.Selection) {
			}
			if test.fails != (failed != nil && strings.Contains(failed.Error(), message)) || !test.fails && failed != nil {
				t.Errorf("got %v", failed)
			}
		})
	}
	if err := os.RemoveAll(filepath.Join(dir, "kind=pod")); err != nil {
		t.Fatal(err)
	}
	never := func(string, schema.Entity) bool { return false }
	after := archive.Selection{Kinds: []schema.Kind{schema.Pod}, Metrics: []string{"uptime"}, Window: schema.Window{From: last + 10*24*3600}}
	with := l.With(open(t, newArchive(t, last+10*24*3600)))
	for noted, fails := range map[bool]bool{false: false, true: true} {
		if with.Noted = nil; noted {
			with.Noted = both.Noted
		}
		var failed error
		for s, err := range with.Grown(t.Context(), after, never) {
			if failed = err; err == nil {
				for range s.Samples { // Grown looks for what is before them
				}
			}
		}
		if fails != (failed != nil) {
			t.Errorf("growth since a missing day, noted %v: %v", noted, failed)
		}
	}
}

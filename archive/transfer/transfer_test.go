package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/transfer"
	"heapstash/internal/need"
	"heapstash/schema"
)

const (
	minute = schema.Instant(60)
	hour   = 60 * minute
	day    = 24 * hour
)

// begin is the first moment of the archives: noon of a day.
var begin = schema.InstantOf(time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC))

// target is an archive in SQLite that is open for a copy.
type target struct {
	*sqlite.Store
	reader *sqlite.Reader
}

func (f target) Status(ctx context.Context) (archive.Status, error) { return f.reader.Status(ctx) }

func (f target) OpenSamples(ctx context.Context) (archive.Samples, error) {
	return f.reader.OpenSamples(ctx)
}

func openTarget(t *testing.T, path string) target {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(errors.Join(err, store.Close()))
	}
	return target{store, reader}
}

func (f target) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(f.reader.Close(), f.Store.Close()); err != nil {
		t.Fatal(err)
	}
}

// copyFile copies the archive at one path to the target.
func copyFile(t *testing.T, from string, to transfer.Target, opts transfer.Options) transfer.Report {
	t.Helper()
	reader, err := sqlite.OpenReader(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	samples, err := reader.OpenSamples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer samples.Close()
	return run(t, reader, samples.(transfer.Source), to, opts)
}

func run(t *testing.T, told archive.Teller, from transfer.Source, to transfer.Target, opts transfer.Options) transfer.Report {
	t.Helper()
	status, err := told.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opts.Version, opts.Now = "test", time.Now
	report, err := transfer.Run(t.Context(), from, status, to, opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// row makes a row: metrics and values.
func row(e schema.Entity, at schema.Instant, readings ...any) schema.Row {
	r := schema.Row{Entity: e, At: at}
	for i := 0; i < len(readings); i += 2 {
		reading := schema.Reading{Metric: schema.MetricName(readings[i].(string))}
		switch v := readings[i+1].(type) {
		case int:
			reading.Value = schema.Int(int64(v))
		case float64:
			reading.Value = schema.Real(v)
		}
		r.Readings = append(r.Readings, reading)
	}
	return r
}

// odd writes passes over two clusters to the archive: values and names as odd as
// Heapster may give them, recreated pods, conflicts, holes, and a pass that died.
func odd(t *testing.T, path string, first, passes schema.Instant) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	disk := schema.NodeEntity("n-ä/1")
	disk.Labels = "resource_id:/dev/sda1"
	gpu := schema.ContainerEntity("shop", "web-0", "app")
	gpu.Labels = "accelerator_id:a/0,make:nvidia,model:tesla k80"
	web := schema.PodEntity("shop", "web-0")
	for _, cluster := range []string{"prod", "test/ü"} {
		for i := first; i < passes; i++ {
			at := begin + i*7*hour
			p := archive.Pass{Cluster: cluster, Version: "v1", Started: at.Add(3 * time.Second).Time(), Horizon: at, Newest: at}
			if p.ID, err = store.BeginPass(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			b := archive.Batch{Pass: p.ID, Cluster: cluster, Horizon: at, Seen: at,
				Watermarks:      map[schema.Scope]schema.Instant{web.Scope(): at, disk.Scope(): at - minute},
				Asked:           map[schema.Scope][]schema.MetricName{web.Scope(): {"memory/usage", "custom/a/b ü"}},
				Carried:         map[schema.Entity][]schema.MetricName{web: {"custom/a/b ü"}},
				NamespaceLabels: map[string]string{"shop": fmt.Sprintf("team:%d", i/3)},
				NamespaceIDs:    map[string]string{"id-1": "shop"},
				Identities:      []schema.Identity{{Pod: web, UID: fmt.Sprintf("u%d", i/2), Node: "n-ä/1", Labels: "app:wéb", Images: "app=img:1", Owner: schema.Owner{Kind: "StatefulSet", Name: "web"}, Since: at}},
				Rows: []schema.Row{
					row(schema.ClusterEntity(), at, "memory/usage", int(i), "cpu/usage_rate", -5),
					row(schema.NodeEntity("n-ä/1"), at, "cpu/usage", math.MaxInt64-int(i), "cpu/node_utilization", 0, "memory/node_utilization", 0.25),
					row(web, at, "memory/usage", 1<<53+1, "custom/a/b ü", 0.1, "custom/neg", -7, "custom/whole", 2.0),
					row(web, at+minute, "memory/usage", math.MinInt64, "custom/a/b ü", 3),
					row(schema.ContainerEntity("shop", "web-0", "app"), at, "memory/usage", int(i), "cpu/usage", int(i)),
					row(gpu, at, "accelerator/duty_cycle", 99), row(disk, at, "filesystem/usage", 1<<62, "disk/io_read_bytes", 5),
					row(schema.SystemContainerEntity("n-ä/1", "kubelet"), at, "memory/usage", 0),
					row(schema.NamespaceEntity("日本"), at, "memory/usage", 1e300),
				},
			}
			if i == 0 {
				b.Appeared = []schema.Entity{web, schema.NodeEntity("n-ä/1"), schema.PodEntity("shop", "gone")}
				b.Rows = append(b.Rows, row(schema.PodEntity("shop", "gone"), at, "custom/only", 1))
			} else {
				b.Vanished = map[schema.Entity]schema.Instant{schema.PodEntity("shop", "gone"): begin}
				b.Rows = append(b.Rows, row(web, at-7*hour, "memory/usage", 8)) // a conflict
				b.Holes = []archive.Hole{{Entity: web, Metric: "custom/x", Cause: archive.CauseRefused, Detail: "n–o", Window: schema.Window{From: at - hour, To: at}}}
			}
			if _, err := store.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if i == 1 {
				continue // it died
			}
			if _, err := store.Upkeep(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			p.Finished, p.Outcome, p.Gap = p.Started.Add(1700*time.Millisecond), archive.OutcomePartial, time.Minute
			p.Requests, p.Bytes, p.Entities = 7, 70+int64(i), 9
			if err := store.EndPass(t.Context(), p, []archive.Hole{{Cause: archive.CauseExport, Detail: "disabled", Lasting: true}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// contents are what two equal archives have in common, but for their copies' passes.
var contents = []string{
	"SELECT * FROM samples ORDER BY cluster, kind, namespace, pod, container, node, labels, metric, ts",
	"SELECT cluster, kind, namespace, metric, ts, typeof(value) FROM samples ORDER BY cluster, kind, namespace, pod, container, node, labels, metric, ts",
	"SELECT * FROM entities ORDER BY 1, 2, 3, 4, 5, 6, 7",
	"SELECT * FROM pod_identities ORDER BY 1, 2, 3, 4",
	"SELECT * FROM namespace_labels ORDER BY 1, 2, 3, 4",
	`SELECT cluster, version, started, finished, duration_ms, outcome, error, requests, bytes, entities, samples_new, samples_duplicate, conflicts,
		newest, horizon, gap_seconds FROM pass WHERE version NOT LIKE '% copy' ORDER BY cluster, started, samples_new DESC`,
	`SELECT p.started, h.cluster, h.kind, h.namespace, h.pod, h.container, h.node, h.labels, h.metric, h.cause, h.detail, h.from_ts, h.to_ts, h.lasting
		FROM holes h JOIN passes p ON p.id = h.pass ORDER BY p.started, h.cluster, h.kind, h.metric, h.cause`,
	`SELECT p.started, c.cluster, c.kind, c.namespace, c.pod, c.container, c.node, c.labels, c.metric, c.ts, c.kept, c.refused
		FROM conflicts c JOIN passes p ON p.id = c.pass ORDER BY c.cluster, c.kind, c.pod, c.metric, c.ts`,
	"SELECT * FROM watermark ORDER BY 1, 2, 3, 4",
	"SELECT cluster, kind, a.name, part, m.name FROM asked a JOIN metric m ON m.id = a.metric_id ORDER BY 1, 2, 3, 4, 5",
	"SELECT e.cluster, e.kind, e.pod, m.name FROM carried c JOIN metric m ON m.id = c.metric_id JOIN entity e ON e.id = c.entity_id ORDER BY 1, 2, 3, 4",
	"SELECT * FROM cluster_state ORDER BY 1", "SELECT * FROM namespace_id ORDER BY 1, 2",
	"SELECT * FROM samples_hourly ORDER BY cluster, kind, namespace, pod, container, node, labels, metric, ts",
	"SELECT * FROM samples_daily ORDER BY cluster, kind, namespace, pod, container, node, labels, metric, ts",
}

// same compares two archives cell by cell, as stock sqlite3 shows them.
func same(t *testing.T, from, to string) {
	t.Helper()
	for _, query := range contents {
		want, got := need.SQLite(t, from, query), need.SQLite(t, to, query)
		if got == want {
			continue
		}
		wanted, found := strings.Split(want, "\n"), strings.Split(got, "\n")
		for _, line := range wanted {
			if !slices.Contains(found, line) {
				t.Errorf("%s: missing: %s", query, line)
			}
		}
		for _, line := range found {
			if !slices.Contains(wanted, line) {
				t.Errorf("%s: too much: %s", query, line)
			}
		}
	}
}

// whole checks the archive by its own rules.
func whole(t *testing.T, path string) {
	t.Helper()
	reader, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if report, err := reader.Check(t.Context(), check.Options{}); err != nil || report.Faults() > 0 {
		t.Errorf("the check: %+v, %v", report.Findings, err)
	}
}

// settleAll does all upkeep that is due in the archive.
func settleAll(t *testing.T, path string, now schema.Instant) {
	t.Helper()
	store := openTarget(t, path)
	defer store.close(t)
	if err := store.Settle(t.Context(), now); err != nil {
		t.Fatal(err)
	}
}

// A copy has every cell, name and line of the ledger, and the same memory. A second copy
// writes nothing, and one after more passes only what is new.
func TestFileToFile(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(t.TempDir(), "to.db")
	odd(t, from, 0, 9)
	settleAll(t, from, begin+8*7*hour)
	f := openTarget(t, to)
	report := copyFile(t, from, f, transfer.Options{})
	if report.Faults() != 0 || report.Written != report.Samples || report.Samples == 0 || len(report.Bare)+len(report.Kept) != 0 {
		t.Errorf("the first copy: %+v", report)
	}
	again := copyFile(t, from, f, transfer.Options{})
	if again.Written != 0 || again.Samples != report.Samples || again.Skipped != again.Pieces {
		t.Errorf("the second copy: %+v", again)
	}
	f.close(t)
	same(t, from, to)
	whole(t, to)

	odd(t, from, 9, 14)
	settleAll(t, from, begin+13*7*hour)
	f = openTarget(t, to)
	defer f.close(t)
	more := copyFile(t, from, f, transfer.Options{Since: begin + 8*7*hour})
	if more.Written == 0 || more.Written >= more.Samples+report.Samples || more.Faults() != 0 {
		t.Errorf("the third copy: %+v", more)
	}
	same(t, from, to)
	whole(t, to)
}

// A target that has another cluster's samples of the same days is left as it is by a second
// copy, too.
func TestAnotherCluster(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(t.TempDir(), "to.db")
	odd(t, from, 0, 2)
	f := openTarget(t, to)
	defer f.close(t)
	p := archive.Pass{Cluster: "foreign", Version: "v1", Started: begin.Time()}
	var err error
	if p.ID, err = f.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	own := archive.Batch{Pass: p.ID, Cluster: p.Cluster, Horizon: begin + 7*hour}
	for _, at := range []schema.Instant{begin, begin + 7*hour} {
		own.Rows = append(own.Rows, row(schema.PodEntity("shop", "web-0"), at, "memory/usage", 1), row(schema.ClusterEntity(), at, "memory/usage", 1))
	}
	if _, err := f.Write(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	report := copyFile(t, from, f, transfer.Options{})
	if report.Written != report.Samples || report.Samples == 0 || report.Faults() != 0 {
		t.Errorf("the first copy: %+v", report)
	}
	again := copyFile(t, from, f, transfer.Options{})
	if again.Written != 0 || again.Samples != report.Samples || again.Skipped != again.Pieces || again.Pieces != report.Pieces {
		t.Errorf("the second copy: %+v", again)
	}
}

// A copy that is interrupted at any write goes on with the next one.
func TestInterruptedCopy(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(t.TempDir(), "to.db")
	odd(t, from, 0, 9)
	settleAll(t, from, begin+8*7*hour)
	ended := false
	for calls := 1; !ended; calls++ {
		f := openTarget(t, to)
		reader, err := sqlite.OpenReader(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		samples, err := reader.OpenSamples(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		status, err := reader.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dying := &dying{target: f, left: calls}
		_, err = transfer.Run(t.Context(), samples.(transfer.Source), status, dying, transfer.Options{Version: "test", Now: time.Now})
		if ended = err == nil; err != nil && !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		f.close(t)
		if err := errors.Join(samples.Close(), reader.Close()); err != nil {
			t.Fatal(err)
		}
	}
	same(t, from, to)
	whole(t, to)
}

var errDied = errors.New("died")

// dying is a target that takes so many calls, and then none.
type dying struct {
	target
	left int
}

func (d *dying) die() error {
	if d.left--; d.left < 0 {
		return errDied
	}
	return nil
}

func (d *dying) Write(ctx context.Context, b archive.Batch) (archive.Written, error) {
	if err := d.die(); err != nil {
		return archive.Written{}, err
	}
	return d.target.Write(ctx, b)
}

func (d *dying) Record(ctx context.Context, r transfer.Record) error {
	return errors.Join(d.die(), d.target.Record(ctx, r))
}

func (d *dying) EndPass(ctx context.Context, p archive.Pass, holes []archive.Hole) error {
	return errors.Join(d.die(), d.target.EndPass(ctx, p, holes))
}

// A target with other values keeps them, and the report counts them.
func TestDifferences(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from.db"), filepath.Join(t.TempDir(), "to.db")
	odd(t, from, 0, 2)
	f := openTarget(t, to)
	defer f.close(t)
	p := archive.Pass{Cluster: "prod", Version: "v1", Started: begin.Time()}
	var err error
	if p.ID, err = f.BeginPass(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	later := begin + 30*day
	own := archive.Batch{Pass: p.ID, Cluster: "prod", Horizon: later, Rows: []schema.Row{
		row(schema.PodEntity("shop", "web-0"), begin, "memory/usage", 12345, "cpu/limit", 1),
		row(schema.PodEntity("shop", "other"), begin, "memory/usage", 1),
	}, Watermarks: map[schema.Scope]schema.Instant{schema.ClusterEntity().Scope(): later}}
	if _, err := f.Write(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	report := copyFile(t, from, f, transfer.Options{})
	want := []transfer.Difference{{Cluster: "prod", Kind: schema.Pod, Day: begin - begin%day, Other: 1, More: 2}}
	if !slices.Equal(report.Differences, want) || report.Faults() != 1 || !slices.Equal(report.Kept, []string{"prod"}) {
		t.Errorf("%+v, want %v", report, want)
	}
	m, err := f.Memory(t.Context(), "prod")
	if err != nil || m.Horizon != later || len(m.Watermarks) != 1 {
		t.Errorf("the newer memory is lost: %+v, %v", m, err)
	}
	if m, err = f.Memory(t.Context(), "test/ü"); err != nil || m.Horizon != begin+7*hour || len(m.Watermarks) == 0 {
		t.Errorf("the other cluster's memory: %+v, %v", m, err)
	}
}

// Hours and days without raw samples are named.
func TestBareRollups(t *testing.T) {
	at := func(days int) schema.Instant { return begin - begin%day + schema.Instant(days)*day }
	_, err := transfer.Run(t.Context(), empty{}, archive.Status{}, nil, transfer.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	report, err := transfer.Run(t.Context(), empty{}, archive.Status{Kinds: []archive.KindStatus{
		{Cluster: "a", Kind: schema.Pod, Oldest: at(30) + hour, Hourly: &archive.Range{Oldest: at(0), Newest: at(31)}, Daily: &archive.Range{Oldest: at(30), Newest: at(31)}},
		{Cluster: "a", Kind: schema.Node, Daily: &archive.Range{Oldest: at(0), Newest: at(3)}},
	}}, nil, transfer.Options{Now: time.Now})
	want := []transfer.Bare{
		{Cluster: "a", Kind: schema.Pod, Level: archive.Hourly, From: at(0), Before: at(30) + hour},
		{Cluster: "a", Kind: schema.Node, Level: archive.Daily, From: at(0), Before: at(4)},
	}
	if err != nil || !slices.Equal(report.Bare, want) {
		t.Errorf("%v, %v, want %v", report.Bare, err, want)
	}
}

// empty is a source without anything.
type empty struct{ transfer.Source }

func (empty) Clusters(context.Context) ([]string, error)        { return nil, nil }
func (empty) Span(context.Context) (w schema.Window, err error) { return w, nil }

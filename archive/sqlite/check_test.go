package sqlite_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/internal/need"
	"heapstash/schema"
)

// checked returns the names of the faults that a check of the archive finds,
// with their tables where they are one table's.
func checked(t *testing.T, path string) []string {
	t.Helper()
	report := checkReport(t, path, check.Options{})
	names := []string{}
	for _, f := range report.Findings {
		if f.Count == 0 || f.Meaning == "" || len(f.Examples) > 3 {
			t.Errorf("finding %+v", f)
		}
		if !f.Note {
			names = append(names, strings.TrimSuffix(f.Name+":"+f.Table, ":"))
		}
	}
	return names
}

func checkReport(t *testing.T, path string, opts check.Options) check.Report {
	t.Helper()
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// tear changes the archive behind heapstash's back.
func tear(t *testing.T, path, script string) {
	t.Helper()
	if out, err := exec.Command(need.Program(t, "sqlite3"), "-bail", path, script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// variety makes an archive that has everything there is: both tiers, narrow
// and labelled samples, conflicts, two clusters, identities, holes.
func variety(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	s := open(t, path)
	disk := schema.NodeEntity("n1")
	disk.Labels = "resource_id:/dev/sda1"
	web1 := schema.PodEntity("shop", "web-1")
	for minute := range schema.Instant(150) {
		at := noon + 60*minute
		for _, cluster := range []string{"blue", "green"} {
			id, err := s.BeginPass(t.Context(), archive.Pass{Cluster: cluster, Started: at.Time()})
			if err != nil {
				t.Fatal(err)
			}
			b := archive.Batch{
				Pass: id, Cluster: cluster, Horizon: at, Seen: at,
				Rows: []schema.Row{
					row(schema.ClusterEntity(), at, reading("cpu/limit", 1)),
					row(schema.NodeEntity("n1"), at, reading("cpu/limit", 2), reading("cpu/usage", int64(at)<<20)),
					row(schema.NamespaceEntity("shop"), at, reading("cpu/limit", 3), reading("custom/ns", 1)),
					row(web0, at, reading("cpu/limit", 4), reading("memory/usage", int64(minute)), reading("custom/q", int64(minute))),
					row(web1, at, reading("cpu/limit", 4), readingOf("custom/q", schema.Real(float64(minute)/7))),
					row(schema.ContainerEntity("shop", "web-0", "nginx"), at, reading("cpu/usage", int64(at))),
					row(schema.SystemContainerEntity("n1", "kubelet"), at, reading("cpu/usage", 6), reading("cpu/limit", 6)),
					row(disk, at, reading("filesystem/usage", 7), readingOf("disk/io_read_bytes_rate", schema.Real(0.5))),
				},
				Watermarks: map[schema.Scope]schema.Instant{
					{Kind: schema.Cluster}:                                   at,
					{Kind: schema.Pod, Name: "shop"}:                         at,
					{Kind: schema.Node, Name: "n1", Part: schema.Labelled}:   at,
					{Kind: schema.Container, Name: "shop", Part: "standard"}: at,
				},
				Asked:           map[schema.Scope][]schema.MetricName{{Kind: schema.Pod, Name: "shop"}: {"memory/usage"}},
				Carried:         map[schema.Entity][]schema.MetricName{web0: {"custom/q"}},
				Appeared:        []schema.Entity{web0, web1},
				NamespaceLabels: map[string]string{"shop": fmt.Sprint("team:", int(minute)/60)},
			}
			if minute%50 == 0 {
				b.Identities = []schema.Identity{{Pod: web0, UID: fmt.Sprint("uid-", int(minute)), Node: "n1", Since: at}}
				b.Holes = []archive.Hole{{Cause: archive.CauseLate, Window: schema.Window{From: at - 120, To: at - 61}}}
			}
			if minute == 149 {
				b.Vanished = map[schema.Entity]schema.Instant{web1: at - 60}
				b.Rows = append(b.Rows, row(web0, noon, reading("memory/usage", 999))) // a conflict, in cold
			}
			if _, err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			p := archive.Pass{ID: b.Pass, Cluster: cluster, Started: at.Time(), Finished: at.Add(time.Second).Time(),
				Outcome: archive.OutcomeComplete, Horizon: at, Newest: at}
			if err := s.EndPass(t.Context(), p, nil); err != nil {
				t.Fatal(err)
			}
		}
		if minute == 100 {
			compact(t, s, at, 60*2*13)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := stock(t, path, "SELECT count(*) FROM pod_cold; SELECT count(*) FROM pod_hot; SELECT count(*) FROM narrow_cold; SELECT count(*) FROM conflicts"); got != "240\n360\n480\n2" {
		t.Fatal(got)
	}
	return path
}

// another is a copy of an archive that nobody has open.
func another(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	if out, err := exec.Command("cp", path, to).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return to
}

func TestCheckFindsNothingInWholeArchives(t *testing.T) {
	whole := variety(t)
	if got := checked(t, whole); len(got) > 0 {
		t.Errorf("of everything: %v", got)
	}
	empty := newPath(t)
	s := open(t, empty)
	if got := checked(t, empty); len(got) > 0 {
		t.Errorf("of an empty one: %v", got)
	}
	write(t, s, row(web0, noon, reading("memory/usage", 1)))
	report := checkReport(t, empty, check.Options{Quick: true})
	if report.Faults() > 0 || report.Rows != 1 || report.Version != 1 || len(report.Findings) > 0 {
		t.Errorf("while a pass runs: %+v", report)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	report = checkReport(t, empty, check.Options{})
	if report.Faults() > 0 || len(report.Findings) != 1 || report.Findings[0].Name != "passes-running" {
		t.Errorf("after a pass died: %+v", report)
	}
}

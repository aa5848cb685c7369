package history

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/archive/sqlite/check"
	"heapstash/internal/need"
	"heapstash/schema"
)

func options() Options {
	return Options{Seed: 7, End: schema.InstantOf(time.Date(2018, 3, 11, 0, 0, 0, 0, time.UTC)), Days: 6, RawDays: 6, Pods: 6, Namespaces: 3, Nodes: 2}
}

func made(t *testing.T, o Options) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	if err := Make(t.Context(), path, o); err != nil {
		t.Fatal(err)
	}
	return path
}

// shell asks the stock shell.
func shell(t *testing.T, path, statement string) string {
	t.Helper()
	out, err := exec.Command(need.Program(t, "sqlite3"), "-readonly", "-batch", path, statement).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return string(out)
}

// TestHoursWithoutRowsAreThoseOfRows: the hours and days that the package writes are
// those that the archive makes of the same rows.
func TestHoursWithoutRowsAreThoseOfRows(t *testing.T) {
	o := options()
	whole := made(t, o)
	o.RawDays = 1
	some := made(t, o)
	for _, view := range []string{"pod_hourly", "pod_daily", "node_hourly", "node_daily", "namespace_hourly", "namespace_daily", "cluster_hourly", "cluster_daily"} {
		statement := "SELECT * FROM " + view + " ORDER BY time, 1, 2, 3"
		want, got := shell(t, whole, statement), shell(t, some, statement)
		if want != got {
			t.Errorf("%s differs, with %d lines rather than %d, first at:\n%s", view, strings.Count(got, "\n"), strings.Count(want, "\n"), firstDifference(got, want))
		}
		if len(want) == 0 {
			t.Errorf("%s is empty", view)
		}
	}
	if a, b := shell(t, whole, "SELECT count(*) FROM pod"), shell(t, some, "SELECT count(*) FROM pod"); a == b {
		t.Errorf("both have %s rows of pods", a)
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return x[i] + "\nrather than\n" + y[i]
		}
	}
	return "its end"
}

// TestMadeArchiveIsWhole: `heapstash check` finds nothing, and the archive has pods
// that ended, pods that came back, and gaps.
func TestMadeArchiveIsWhole(t *testing.T) {
	o := options()
	o.RawDays = 1
	path := made(t, o)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Check(t.Context(), check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("%s: %s, %d times: %v", f.Name, f.Meaning, f.Count, f.Examples)
	}
	for _, at := range []struct{ what, statement string }{
		{"pods that ended", "SELECT count(*) FROM entities WHERE kind = 'pod' AND NOT listed"},
		{"gaps", "SELECT count(*) FROM gaps"},
		{"hot rows", "SELECT count(*) FROM pod_hot"},
		{"pods with two incarnations", "SELECT count(*) FROM (SELECT 1 FROM pod_identities GROUP BY namespace, pod HAVING count(*) > 1)"},
	} {
		if got := shell(t, path, at.statement); got == "0\n" {
			t.Errorf("there are no %s", at.what)
		}
	}
	if due := shell(t, path, "SELECT count(*) FROM rollup_due"); due != "0\n" {
		t.Errorf("%s rollups are due", due)
	}
	another := made(t, o)
	for _, table := range []string{"entity", "pod_identity", "hole", "pod_cold", "pod_hot", "pod_hour", "node_cold", "node_day", "cluster_hour"} {
		if shell(t, another, ".sha3sum "+table) != shell(t, path, ".sha3sum "+table) {
			t.Errorf("the same options gave other rows in %s", table)
		}
	}
}

// Package lake has tests of the lake with the programs that read it.
package lake

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/internal/need"
	"heapstash/schema"
)

//go:embed requirements.txt
var requirements string

const day = schema.Instant(1506470400) // 2017-09-27T00:00:00Z

// oddRows are rows with values and names that are hard to keep.
func oddRows(at schema.Instant) []schema.Row {
	n := int64(at)
	row := func(e schema.Entity, readings ...schema.Reading) schema.Row {
		return schema.Row{Entity: e, At: at, Readings: readings}
	}
	is := func(m schema.MetricName, v schema.Value) schema.Reading { return schema.Reading{Metric: m, Value: v} }
	labelled := func(e schema.Entity, labels string) schema.Entity { e.Labels = labels; return e }
	pod, node, app := schema.PodEntity("shop", "web-0"), schema.NodeEntity("n1"), schema.ContainerEntity("shop", "web-0", "app")
	return []schema.Row{
		row(schema.ClusterEntity(), is("cpu/usage_rate", schema.Int(-n))),
		row(node, is("cpu/usage", schema.Int(1<<53+n%2*2+1)), is("network/rx_rate", schema.Real(float64(n)/3)), is("cpu/usage_rate", schema.Int(500)),
			is("cpu/node_allocatable", schema.Int(4000)), is("cpu/node_utilization", schema.Int(0)), is("memory/node_utilization", schema.Real(0.25))),
		row(schema.NamespaceEntity("shop"), is("memory/usage", schema.Int(math.MaxInt64))),
		row(pod, is("memory/usage", schema.Int(math.MinInt64)), is("memory/working_set", schema.Int(n)), is("uptime", schema.Real(2)),
			is("custom/größe/a \"b\" {c}=d%", schema.Int(n)), is("custom/mixed", []schema.Value{schema.Int(1), schema.Real(1.5)}[n/60%2])),
		row(schema.PodEntity("shop", "web-1"), is("memory/working_set", schema.Int(7)), is("cpu/usage_rate", schema.Int(0))),
		row(app, is("restart_count", schema.Int(-1)), is("custom/in container", schema.Real(1e-300))),
		row(schema.SystemContainerEntity("n1", `system "slice"/ü`), is("memory/page_faults_rate", schema.Real(0.1))),
		row(labelled(node, "resource_id:/dev/sda1"), is("filesystem/usage", schema.Int(n)), is("disk/io_read_bytes", schema.Int(1<<60+n))),
		row(labelled(pod, "resource_id:Volume:data, and=logs"), is("filesystem/usage", schema.Int(7))),
		row(labelled(app, "accelerator_id:GPU-0,make:nvidia,model:tesla k80"), is("accelerator/duty_cycle", schema.Int(50))),
		row(labelled(node, `shape:C:\`), is("custom/area", schema.Int(n))),
	}
}

// shipped makes a lake from an archive of two clusters and three days, by heapstash prune,
// and returns the samples that the archive had, as [oracle.Lake] spells them.
func shipped(t *testing.T) (dir string, want []string) {
	t.Helper()
	need.Program(t, "sqlite3")
	heapstash, err := rig.BuildHeapstash()
	if err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	path := filepath.Join(base, "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, cluster := range []string{"prod", `0012/b=c %41+ü"*.`} {
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: cluster})
		if err != nil {
			t.Fatal(err)
		}
		for i, at := range []schema.Instant{day, day + 3600, day + 3660, day + 2*24*3600 - 1, day + 2*24*3600, day + 20*24*3600} {
			b := archive.Batch{Pass: pass, Cluster: cluster, Rows: oddRows(at), Horizon: at}
			if i == 0 || i == 2 { // the pod is made again
				b.Identities = []schema.Identity{{Pod: schema.PodEntity("shop", "web-0"), UID: fmt.Sprint(i), Since: at}}
			}
			if i == 5 { // it stays in the archive
				b.Rows = b.Rows[:1]
			}
			if _, err := s.Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	want = oracle.Rounded(strings.Split(rig.SQL(t, path, fmt.Sprintf("SELECT * FROM samples WHERE ts < %d", day+10*24*3600)), "\n"))
	dir = filepath.Join(base, "lake")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	prune := exec.Command(heapstash, "prune", "--keep-raw", "5d", "--db-file", path)
	prune.Env = append(os.Environ(), "HEAPSTASH_ARCHIVE_LAKE="+dir, "HEAPSTASH_ARCHIVE_MIN_FREE=0", "HEAPSTASH_ARCHIVE_MODE=0644")
	if out, err := prune.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir, want
}

// row is a line of read.py.
type row struct {
	Kind, Cluster string
	Cells         map[string]string
}

// samples returns the lines of `SELECT * FROM samples` that the row has.
func (r row) samples() (lines []string) {
	name := func(column string) string {
		if v := r.Cells[column]; v != "" {
			return v
		}
		return "NULL"
	}
	kind := r.Kind
	if own := r.Cells["entity_kind"]; own != "" {
		kind = own
	}
	add := func(metric, value string) {
		ts, _ := strconv.ParseInt(r.Cells["ts"], 10, 64)
		lines = append(lines, strings.Join([]string{r.Cluster, kind, name("namespace"), name("pod"), name("container"), name("node"), name("labels"), metric,
			r.Cells["ts"], time.Unix(ts, 0).UTC().Format("2006-01-02T15:04:05Z"), value}, "\t"))
	}
	if r.Kind == "narrow" {
		if v := r.Cells["value"]; v != "" {
			add(r.Cells["metric"], v)
		} else {
			add(r.Cells["metric"], r.Cells["value_float"])
		}
		return lines
	}
	for _, m := range schema.Registry() {
		if v := r.Cells[m.Column()]; v != "" {
			add(string(m.Name), v)
		} else if v := r.Cells[m.Column()+"_float"]; v != "" {
			add(string(m.Name), v)
		}
	}
	return lines
}

// TestTools: DuckDB, pandas, Spark and ClickHouse read each cell of the lake as stock
// SQLite read it in the archive.
func TestTools(t *testing.T) {
	python := rig.Python(t, "lake", requirements)
	dir, want := shipped(t)
	for _, tool := range []string{"duckdb", "pandas", "spark", "clickhouse"} {
		t.Run(tool, func(t *testing.T) {
			if tool == "spark" {
				if testing.Short() {
					t.Skip("Spark takes minutes")
				}
				need.Program(t, "java")
			}
			cmd := exec.Command(python, "read.py", tool, dir)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, &stderr)
			}
			var got []string
			for line := range strings.Lines(string(out)) {
				var r row
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				got = append(got, r.samples()...)
			}
			slices.Sort(got)
			if err := oracle.Compare(oracle.Rounded(got), want); err != nil {
				t.Error(err)
			}
		})
	}
}

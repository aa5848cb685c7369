package export_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/export"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

const noon = schema.Instant(1506513600) // 2017-09-27T12:00:00Z

var (
	web0   = schema.PodEntity("shop", "web-0")
	odd    = schema.MetricName("custom/a b,c=d\"e\\")
	nearly = schema.MetricName("custom/a_b_c_d_e_") // the same to OpenMetrics
)

// archived makes an archive of two batches, with names and values that are hard to spell.
func archived(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ints := func(at int64, metrics ...schema.MetricName) (readings []schema.Reading) {
		for i, m := range metrics {
			readings = append(readings, schema.Reading{Metric: m, Value: schema.Int(at*1000 + int64(i))})
		}
		return readings
	}
	for i := range int64(2) {
		at := noon + schema.Instant(60*i)
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		disk := schema.Entity{Kind: schema.Node, Node: "n1", Labels: "resource_id:/dev/sda1"}
		volume := web0
		volume.Labels = "resource_id:Volume:data, and=logs"
		gpu := schema.ContainerEntity("shop", "web-0", "app")
		gpu.Labels = "accelerator_id:GPU-0,make:nvidia,model:tesla k80"
		shape := schema.Entity{Kind: schema.Node, Node: "n1", Labels: `shape:C:\`}
		batch := archive.Batch{Pass: pass, Cluster: "prod", Horizon: at, Seen: at,
			Rows: []schema.Row{
				{Entity: schema.ClusterEntity(), At: at, Readings: ints(i, "cpu/usage_rate")},
				{Entity: schema.NodeEntity("n1"), At: at, Readings: ints(i, "network/rx", "network/rx_rate", "cpu/node_capacity", "uptime")},
				{Entity: schema.NamespaceEntity("shop"), At: at, Readings: ints(i, "memory/usage")},
				{Entity: web0, At: at, Readings: append(ints(i, "memory/usage", odd, nearly, "custom/up_total"),
					schema.Reading{Metric: "uptime", Value: schema.Int(1<<53 + 1)},
					schema.Reading{Metric: "custom/mixed", Value: []schema.Value{schema.Int(1), schema.Real(1.5)}[i]})},
				{Entity: schema.ContainerEntity("shop", "web-0", "app"), At: at, Readings: ints(-i, "restart_count")},
				{Entity: schema.SystemContainerEntity("n1", `system "slice"`), At: at, Readings: []schema.Reading{
					{Metric: "memory/page_faults_rate", Value: schema.Real(0.1)}}},
				{Entity: disk, At: at, Readings: ints(i, "filesystem/usage", "disk/io_read_bytes")},
				{Entity: volume, At: at, Readings: ints(i, "filesystem/usage")},
				{Entity: gpu, At: at, Readings: ints(i, "accelerator/duty_cycle")},
				{Entity: shape, At: at, Readings: ints(i, "custom/area")},
			},
		}
		if i == 1 { // it was there before it was known who it is
			batch.Appeared = []schema.Entity{web0}
			batch.Identities = []schema.Identity{{Pod: web0, UID: "u", Node: "n1", Labels: "app:web,tier:front end", Images: "app=nginx:1.13,side=x:1", Since: at}}
		}
		if _, err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// rolledUp is archived with the hour and the day closed.
func rolledUp(t *testing.T) string {
	t.Helper()
	path := archived(t)
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Upkeep(t.Context(), noon.Add(48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	return path
}

func samplesOf(t *testing.T, path string) archive.Samples {
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

func TestFormats(t *testing.T) {
	paths := map[archive.Level]string{archive.Raw: archived(t), archive.Hourly: rolledUp(t)}
	lines := map[archive.Level]int64{archive.Raw: 38, archive.Hourly: 19}
	for level, path := range paths {
		for _, name := range export.TextFormats() {
			t.Run(name+" "+string(level), func(t *testing.T) {
				format, err := export.ParseFormat(name)
				if err != nil {
					t.Fatal(err)
				}
				var got bytes.Buffer
				result, err := export.Write(t.Context(), &got, samplesOf(t, path), archive.Selection{Level: level}, format, export.Options{Database: "k8s"})
				if err != nil {
					t.Fatal(err)
				}
				want := lines[level]
				if format == export.OpenMetrics && level != archive.Raw {
					want = 95 // a line for each statistic
				}
				if result.Samples != want || result.Omitted != 0 {
					t.Errorf("result: %+v", result)
				}
				compareGolden(t, filepath.Join("testdata", string(level), name+".golden"), got.Bytes())
			})
		}
	}
}

func compareGolden(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestPartsAgree: the name of a metric and the type of its values do not depend on
// what is selected.
func TestPartsAgree(t *testing.T) {
	path := archived(t)
	for format, want := range map[export.Format]string{
		export.OpenMetrics: `heapster_custom_a_b_c_d_e_{cluster="prod",kind="pod",namespace="shop",pod="web-0",metric="custom/a b,c=d\"e\\"} 1 1506513600` + "\n",
		export.Influx:      "custom/mixed,cluster_name=prod,namespace_name=shop,pod_name=web-0,type=pod value=1 1506513600000000000\n",
	} {
		part := archive.Selection{Window: schema.Window{To: noon}, Metrics: []string{schema.Verbatim(string(odd)), "custom/mixed"}}
		var got bytes.Buffer
		if _, err := export.Write(t.Context(), &got, samplesOf(t, path), part, format, export.Options{}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.String(), want) {
			t.Errorf("%s has no line %s:\n%s", format, want, &got)
		}
	}
}

// broken takes so many bytes.
type broken struct{ left int }

var errBroken = errors.New("broken")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

// TestOutputBreaks: wherever the output fails, the error is its own.
func TestOutputBreaks(t *testing.T) {
	path := rolledUp(t)
	for i, name := range slices.Concat(export.TextFormats(), export.TextFormats()) {
		level := archive.Raw
		if i >= len(export.TextFormats()) {
			level = archive.Hourly
		}
		selection := archive.Selection{Level: level}
		samples := samplesOf(t, path)
		var whole bytes.Buffer
		if _, err := export.Write(t.Context(), &whole, samples, selection, export.Format(name), export.Options{}); err != nil {
			t.Fatal(err)
		}
		for size := 0; size < whole.Len(); size += whole.Len()/8 + 1 {
			if _, err := export.Write(t.Context(), &broken{size}, samples, selection, export.Format(name), export.Options{}); err != errBroken {
				t.Fatalf("%s after %d bytes: %v", name, size, err)
			}
		}
		if err := samples.Close(); err != nil { // the next one waits for it
			t.Fatal(err)
		}
	}
}

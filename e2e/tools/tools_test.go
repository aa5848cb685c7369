// Package tools tests exports with the programs that read them: Prometheus' promtool
// and InfluxDB 1.x, from Debian. The sqlite3 shell reads the expected samples from the
// archive.
package tools

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/e2e/oracle"
	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
	"heapstash/internal/need"
	"heapstash/schema"
)

// The programs that TestMain builds.
var heapstash, realHeapster string

func TestMain(m *testing.M) {
	programs, err := rig.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	heapstash, realHeapster = programs.Heapstash, programs.Heapster
	os.Exit(m.Run())
}

// command runs a program in a directory, and ends the test unless it exits with 0.
func command(tb testing.TB, dir, name string, args ...string) (stdout string) {
	tb.Helper()
	cmd := exec.Command(need.Program(tb, name), args...)
	cmd.Dir = dir
	return rig.Run(tb, cmd).Want(tb, 0).Stdout
}

// collected makes the archive a.db of six batches of a cluster in which a pod is
// replaced. The batches are ten seconds apart, so that none is stale.
func collected(tb testing.TB, dir string) {
	tb.Helper()
	const batches, step = 6, 10 * time.Second
	sim := rig.StartStandIn(tb, heapsim.Options{}, heapsim.ClusterOptions{})
	begin := time.Now().Truncate(step).Add(-batches * step)
	for i := range batches {
		if i == batches/2 {
			sim.Cluster.Churn(1)
		}
		sim.Scrape(begin.Add(time.Duration(i+1) * step))
		command(tb, dir, heapstash, "collect", "--heapster-url", sim.URL, "--db-file", "a.db", "--log-level", "error")
	}
}

// newArchive makes the archive a.db, and returns its directory. It has what collected
// makes, and samples of the day before, which are in the cold tables and have names
// and values that are hard to export.
func newArchive(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	collected(t, dir)
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, "a.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	web := schema.PodEntity("shop", "web-0")
	app := schema.ContainerEntity("shop", "web-0", "app")
	volume := web
	volume.Labels = `resource_id:Volume:my "odd"=\data`
	begin := schema.InstantOf(time.Now().Add(-24 * time.Hour).Truncate(time.Minute))
	reading := func(m schema.MetricName, v schema.Value) schema.Reading { return schema.Reading{Metric: m, Value: v} }
	for i := range schema.Instant(300) { // five hours, three of Prometheus' blocks
		at := begin + 60*i
		pass, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "old one"})
		if err != nil {
			t.Fatal(err)
		}
		mixed := schema.Int(int64(i))
		if i%7 == 3 {
			mixed = schema.Real(float64(i) / 7)
		}
		batch := archive.Batch{Pass: pass, Cluster: "old one", Horizon: at, Seen: at, Rows: []schema.Row{
			{Entity: web, At: at, Readings: []schema.Reading{
				reading("memory/usage", schema.Int(math.MaxInt64-int64(i))),
				reading("network/rx", schema.Int(1<<53+int64(i))),
				reading("network/rx_rate", schema.Int(int64(i))), // cut by Heapster
				reading("memory/page_faults_rate", schema.Real(float64(i)/3)),
				reading("custom/mixed", mixed),
				reading("custom/requests_total", schema.Int(int64(-i))),
				reading(`custom/ünï, "a b"=c\d`, schema.Int(math.MinInt64+int64(i))),
				reading("custom/same.name", schema.Int(1)), reading("custom/same_name", schema.Int(2)),
			}},
			{Entity: app, At: at, Readings: []schema.Reading{reading("uptime", schema.Int(int64(60_000*i))), reading("cpu/usage_rate", schema.Int(7))}},
			{Entity: volume, At: at, Readings: []schema.Reading{reading("filesystem/usage", schema.Int(int64(i)))}},
			{Entity: schema.SystemContainerEntity("n1", "system.slice/x y"), At: at, Readings: []schema.Reading{reading("cpu/usage", schema.Int(int64(i)))}},
		}}
		if i == 10 || i == 200 { // unknown before the first, and another pod after the second
			batch.Appeared = []schema.Entity{web}
			batch.Identities = []schema.Identity{{Pod: web, UID: fmt.Sprint(i), Node: fmt.Sprintf("n%d", i), Since: at,
				Labels: "app:web,tier:front end", Images: "app=nginx:1." + fmt.Sprint(i)}}
		}
		if _, err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	command(t, dir, heapstash, "compact", "--db-file", "a.db")
	return dir
}

// sample is a sample as the shell reads it, with its pod's identity at that time; of
// an hour with several identities, the first.
type sample struct {
	Cluster, Kind, Namespace, Pod, Container, Node, Labels, Metric string

	TS     int64
	Type   string // of the value: integer or real
	Value  string // exact
	Column string // of the registry's metric
	Growth string // type of the registry's metric

	PodNode, PodLabels, PodImages string
}

const selectSamples = `SELECT s.cluster, s.kind, ifnull(s.namespace, '') AS namespace, ifnull(s.pod, '') AS pod,
	ifnull(s.container, '') AS container, ifnull(s.node, '') AS node, ifnull(s.labels, '') AS labels, s.metric, s.ts,
	typeof(s.value) AS type, CASE typeof(s.value) WHEN 'real' THEN printf('%!.17g', s.value) ELSE CAST(s.value AS TEXT) END AS value,
	ifnull(m."column", '') AS "column", ifnull(m.type, '') AS growth,
	ifnull(i.node, '') AS podnode, ifnull(i.labels, '') AS podlabels, ifnull(i.images, '') AS podimages
	FROM samples s JOIN metrics m ON m.name = s.metric LEFT JOIN pod_identities i
	ON i.cluster = s.cluster AND i.namespace = s.namespace AND i.pod = s.pod AND i.valid_from = (
		SELECT min(j.valid_from) FROM pod_identities j WHERE j.cluster = s.cluster AND j.namespace = s.namespace AND j.pod = s.pod
		AND s.ts + 0 >= j.valid_from AND (j.present OR s.ts <= j.valid_to))`

// statistics are columns of the view samples_hourly.
var statistics = []string{"samples", "min", "avg", "max", "sum", "increase", "last"}

// hoursOf reads a statistic of hours by the sqlite3 shell, as samples.
func hoursOf(t *testing.T, dir, statistic string) []sample {
	t.Helper()
	view := fmt.Sprintf("FROM (SELECT cluster, kind, namespace, pod, container, s.node AS node, labels, metric, ts, %s AS value\n"+
		"FROM samples_hourly s LEFT JOIN node_hourly h USING (cluster, node, ts)) s", ratiosOfHours(statistic))
	query := strings.NewReplacer("FROM samples s", view, "s.ts + 0", "s.ts + 3599").Replace(selectSamples)
	samples := selectInto(t, dir, query+" WHERE s.value IS NOT NULL")
	if len(samples) < 10 {
		t.Fatalf("there are %d hours with %s", len(samples), statistic)
	}
	return samples
}

// ratios are the metrics that Heapster's model API cuts to 0 or 1, with the two columns
// from which an export computes them.
var ratios = [][3]string{
	{"cpu/node_utilization", "cpu_usage_rate", "cpu_node_allocatable"}, {"cpu/node_reservation", "cpu_request", "cpu_node_allocatable"},
	{"memory/node_utilization", "memory_usage", "memory_node_allocatable"}, {"memory/node_reservation", "memory_request", "memory_node_allocatable"},
	{"ephemeral_storage/node_utilization", "ephemeral_storage_usage", "ephemeral_storage_node_allocatable"},
	{"ephemeral_storage/node_reservation", "ephemeral_storage_request", "ephemeral_storage_node_allocatable"},
}

// exactly returns an SQL expression for a value, with exact ratios.
func exactly(value, ratio string) string {
	text := "CASE metric"
	for _, r := range ratios {
		text += fmt.Sprintf(" WHEN '%s' THEN %s", r[0], strings.NewReplacer("PART", r[1], "WHOLE", r[2]).Replace(ratio))
	}
	return text + " ELSE " + value + " END"
}

// ratiosOfHours returns SQL for a statistic of hours, with exact ratios of hours in
// which the whole is constant.
func ratiosOfHours(statistic string) string {
	constant := "CASE WHEN WHOLE_min = WHOLE_max AND WHOLE_count = h.samples THEN %s END"
	switch statistic {
	case "samples":
		return exactly("s.samples", fmt.Sprintf(constant, "PART_count"))
	case "increase", "last":
		return statistic
	default:
		return exactly(statistic, fmt.Sprintf(constant, "1.0 * PART_"+statistic+" / WHOLE_min"))
	}
}

func selectInto(t *testing.T, dir, query string) (samples []sample) {
	t.Helper()
	if err := json.Unmarshal([]byte(rig.SQL(t, filepath.Join(dir, "a.db"), query, "-json")), &samples); err != nil {
		t.Fatal(err)
	}
	return samples
}

// samplesOf reads an archive's samples by the sqlite3 shell.
func samplesOf(t *testing.T, dir string) []sample {
	t.Helper()
	exact := "FROM (SELECT cluster, kind, namespace, pod, container, s.node AS node, labels, metric, ts, " + exactly("value", "1.0 * PART / WHOLE") +
		" AS value\nFROM samples s LEFT JOIN node n USING (cluster, node, ts)) s"
	samples := selectInto(t, dir, strings.Replace(selectSamples, "FROM samples s", exact, 1)+" WHERE s.value IS NOT NULL")
	if len(samples) < 15000 {
		t.Fatalf("the archive has %d samples", len(samples))
	}
	return samples
}

// resources parses labels of the archive.
func resources(labels string) map[string]string {
	pairs := make(map[string]string)
	if key, value, _ := strings.Cut(labels, ":"); key == "resource_id" { // the only label; its value may contain anything
		pairs[key] = value
		return pairs
	}
	for _, pair := range strings.FieldsFunc(labels, func(r rune) bool { return r == ',' }) {
		key, value, _ := strings.Cut(pair, ":")
		pairs[key] = value
	}
	return pairs
}

// compare fails the test unless both have the same samples with the same values.
func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	if err := oracle.Compare(lines(got), lines(want)); err != nil {
		t.Error(err)
	}
}

func lines(samples map[string]string) (all []string) {
	for key, value := range samples {
		all = append(all, key+" "+value)
	}
	return all
}

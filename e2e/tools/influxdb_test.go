package tools

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"heapstash/e2e/rig"
)

// startInfluxDB starts a server with the database k8s. It ends with the test.
func startInfluxDB(t *testing.T) *rig.InfluxDB {
	t.Helper()
	db, err := rig.StartInfluxDB(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Stop(); err != nil {
			t.Error(err)
		}
	})
	ask(t, db, "", "CREATE DATABASE k8s")
	return db
}

func ask(t *testing.T, db *rig.InfluxDB, database, question string) []rig.InfluxSeries {
	t.Helper()
	series, err := db.Query(database, question)
	if err != nil {
		t.Fatal(err)
	}
	return series
}

// exportLines exports an archive into a.lp.
func exportLines(t *testing.T, dir string) {
	t.Helper()
	command(t, dir, heapstash, "export", "--db-file", "a.db", "--format", "influx", "--output", "a.lp")
}

// importInto exports an archive into the database k8s, by the client's own
// import, which is told the database by the file.
func importInto(t *testing.T, db *rig.InfluxDB, dir string) {
	t.Helper()
	exportLines(t, dir)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(db.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, "influx", "-host", host, "-port", port, "-import", "-path", "a.lp")
}

// point names a sample as InfluxDB has it.
func point(measurement string, tags map[string]string, ts any) string {
	text := fmt.Sprintf("%q", measurement)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if tags[key] != "" {
			text += fmt.Sprintf(" %s=%q", key, tags[key])
		}
	}
	return fmt.Sprint(text, " at ", ts)
}

// quoted is an identifier in InfluxQL.
func quoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// contents reads all that a database has: integers with all their digits and
// an i behind them, floats exactly.
func contents(t *testing.T, db *rig.InfluxDB, database string) map[string]string {
	t.Helper()
	points := make(map[string]string)
	for _, fields := range ask(t, db, database, "SHOW FIELD KEYS") {
		if len(fields.Values) != 1 || fields.Values[0][0] != "value" {
			t.Fatalf("%s has the fields %v", fields.Name, fields.Values)
		}
		kind := fields.Values[0][1]
		for _, series := range ask(t, db, database, "SELECT value FROM "+quoted(fields.Name)+" GROUP BY *") {
			for _, row := range series.Values {
				value := row[1].(json.Number).String()
				if kind == "integer" {
					value += "i"
				} else {
					value = floatText(t, value)
				}
				points[point(series.Name, series.Tags, row[0])] = value
			}
		}
	}
	return points
}

// TestInfluxDB writes an archive into an InfluxDB, and reads every sample back:
// integers to the last digit.
func TestInfluxDB(t *testing.T) {
	dir := newArchive(t)
	db := startInfluxDB(t)
	exportLines(t, dir)
	lines, err := os.Open(filepath.Join(dir, "a.lp"))
	if err != nil {
		t.Fatal(err)
	}
	defer lines.Close()
	if err := db.Write("k8s", lines); err != nil {
		t.Fatal(err)
	}

	samples := samplesOf(t, dir)
	floats := heapsterFloats(t)
	for _, s := range samples {
		floats[s.Metric] = floats[s.Metric] || s.Type == "real"
	}
	want := make(map[string]string)
	types := map[string]string{
		"cluster": "cluster", "node": "node", "namespace": "ns", "pod": "pod", "container": "pod_container", "system_container": "sys_container",
	}
	for _, s := range samples {
		tags := resources(s.Labels)
		maps.Copy(tags, map[string]string{
			"cluster_name": s.Cluster, "type": types[s.Kind], "namespace_name": s.Namespace, "pod_name": s.Pod,
			"container_name": s.Container, "nodename": s.Node + s.PodNode, "labels": s.PodLabels,
		})
		for image := range strings.SplitSeq(s.PodImages, ",") {
			if name, image, _ := strings.Cut(image, "="); s.Kind == "container" && name == s.Container {
				tags["container_base_image"] = image
			}
		}
		value := s.Value + "i"
		if floats[s.Metric] {
			value = floatText(t, s.Value)
		}
		want[point(s.Metric, tags, s.TS)] = value
	}
	compare(t, contents(t, db, "k8s"), want)
}

// heapsterFloats tells of every metric of an archive whether Heapster has it as
// floats, as the real one says. Later versions have those of ephemeral_storage,
// like those of the other resources.
func heapsterFloats(t *testing.T) map[string]bool {
	t.Helper()
	floats := make(map[string]bool)
	if err := json.Unmarshal(command(t, ".", realHeapster, "-types"), &floats); err != nil {
		t.Fatal(err)
	}
	for metric, isFloat := range floats {
		if other, isMemory := strings.CutPrefix(metric, "memory/node_"); isMemory {
			floats["ephemeral_storage/node_"+other] = isFloat
		}
	}
	if len(floats) < 40 || !floats["network/rx_rate"] || floats["cpu/usage_rate"] {
		t.Fatalf("Heapster's metrics: %v", floats)
	}
	return floats
}

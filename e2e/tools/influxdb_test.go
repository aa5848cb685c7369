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
	"heapstash/internal/need"
)

// startInfluxDB starts a server with the database k8s. It ends with the test.
func startInfluxDB(t *testing.T) *rig.InfluxDB {
	t.Helper()
	need.Program(t, "influxd")
	need.Program(t, "influx")
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
func exportLines(t *testing.T, dir string, flags ...string) {
	t.Helper()
	command(t, dir, heapstash, append([]string{"export", "--db-file", "a.db", "--format", "influx", "--output", "a.lp"}, flags...)...)
}

// importInto exports an archive into the database k8s by `influx -import`. The file
// names the database.
func importInto(t *testing.T, db *rig.InfluxDB, dir string, flags ...string) {
	t.Helper()
	exportLines(t, dir, flags...)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(db.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	command(t, dir, "influx", "-host", host, "-port", port, "-import", "-path", "a.lp")
}

// point names a value of InfluxDB.
func point(field, measurement string, tags map[string]string, ts any) string {
	text := fmt.Sprintf("%s of %q", field, measurement)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if tags[key] != "" {
			text += fmt.Sprintf(" %s=%q", key, tags[key])
		}
	}
	return fmt.Sprint(text, " at ", ts)
}

// quoted returns an identifier of InfluxQL.
func quoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// contents reads all values of a database: integers with an i at the end, floats
// exactly.
func contents(t *testing.T, db *rig.InfluxDB, database string) map[string]string {
	t.Helper()
	points := make(map[string]string)
	for _, fields := range ask(t, db, database, "SHOW FIELD KEYS") {
		for _, field := range fields.Values {
			name, kind := field[0].(string), field[1]
			for _, series := range ask(t, db, database, fmt.Sprintf("SELECT %s FROM %s GROUP BY *", quoted(name), quoted(fields.Name))) {
				for _, row := range series.Values {
					value := row[1].(json.Number).String()
					if kind == "integer" {
						value += "i"
					} else {
						value = floatText(t, value)
					}
					points[point(name, series.Name, series.Tags, row[0])] = value
				}
			}
		}
	}
	return points
}

// TestInfluxDB writes an archive into InfluxDB and reads every sample back, integers to
// the last digit.
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
	for _, s := range samples { // a metric that Heapster does not define may have both
		floats[s.Metric] = floats[s.Metric] || s.Growth == ""
	}
	want := make(map[string]string)
	for _, s := range samples {
		value := s.Value + "i"
		if floats[s.Metric] {
			value = floatText(t, s.Value)
		}
		want[point("value", s.Metric, heapsterTags(s), s.TS)] = value
	}
	compare(t, contents(t, db, "k8s"), want)
}

// TestInfluxDBHourly does the same with hours: they have a field for each column, and
// the field that dashboards read.
func TestInfluxDBHourly(t *testing.T) {
	dir := newArchive(t)
	db := startInfluxDB(t)
	importInto(t, db, dir, "--level", "hourly")
	want := make(map[string]string)
	for _, statistic := range statistics {
		for _, s := range hoursOf(t, dir, statistic) {
			value := floatText(t, s.Value)
			if statistic == "samples" {
				value = s.Value + "i"
			}
			want[point(statistic, s.Metric, heapsterTags(s), s.TS)] = value
			if statistic == "avg" || statistic == "last" && s.Growth == "cumulative" {
				want[point("value", s.Metric, heapsterTags(s), s.TS)] = value
			}
		}
	}
	compare(t, contents(t, db, "k8s"), want)
}

// heapsterTags returns the tags that Heapster's sink gives a sample.
func heapsterTags(s sample) map[string]string {
	types := map[string]string{
		"cluster": "cluster", "node": "node", "namespace": "ns", "pod": "pod", "container": "pod_container", "system_container": "sys_container",
	}
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
	return tags
}

// heapsterFloats returns which metrics are floats in Heapster. The real Heapster says
// so; for ephemeral_storage, which later versions have, memory does.
func heapsterFloats(t *testing.T) map[string]bool {
	t.Helper()
	floats := make(map[string]bool)
	if err := json.Unmarshal([]byte(command(t, ".", realHeapster, "-types")), &floats); err != nil {
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

package tools

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"heapstash/e2e/rig"
	"heapstash/heapster/heapsim"
)

// sinkDatabase is the database of Heapster's own sink.
const sinkDatabase = "heapster"

// heapsterAndArchive feeds a real Heapster, whose sink writes to InfluxDB. It archives
// the same batches and exports the archive to InfluxDB's database k8s. The first and
// the last batch are at from and to.
func heapsterAndArchive(t *testing.T) (db *rig.InfluxDB, from, to time.Time) {
	t.Helper()
	db = startInfluxDB(t)
	h := rig.StartHeapster(t, realHeapster, "-influxdb", db.URL+"?"+url.Values{"db": {sinkDatabase}, "cluster_name": {"prod"}}.Encode())
	dir := t.TempDir()
	cluster := heapsim.NewCluster(heapsim.ClusterOptions{Nodes: 2, Namespaces: 2, Pods: 8})
	to = time.Now().Truncate(time.Second)
	from = to.Add(-80 * time.Second)
	t.Setenv("HEAPSTASH_COLLECT_CONTAINERS", "full")
	for at := from; !at.After(to); at = at.Add(20 * time.Second) {
		if err := h.Feed(cluster.Next(at)); err != nil {
			t.Fatal(err)
		}
		command(t, dir, heapstash, "collect", "--heapster-url", h.URL, "--db-file", "a.db", "--cluster-name", "prod")
	}
	importInto(t, db, dir)
	return db, from, to
}

// TestHeapstersSink compares an export with what Heapster's own sink wrote of the same
// batches: measurements, tags, times, types and values. The model API cuts floats to
// integers. Ratios of nodes are nearly equal: Heapster has them with less precision.
func TestHeapstersSink(t *testing.T) {
	db, _, _ := heapsterAndArchive(t)
	got, want := contents(t, db, "k8s"), contents(t, db, sinkDatabase)
	if len(want) < 1000 {
		t.Fatalf("Heapster's sink wrote %d samples", len(want))
	}
	for key, value := range want {
		there, ok := got[key]
		if !ok || strings.ContainsAny(value+there, "i") {
			continue
		}
		exact, shown := number(t, value), number(t, there)
		isRatio := strings.Contains(key, "/node_utilization") || strings.Contains(key, "/node_reservation")
		if isRatio && math.Abs(exact-shown) < 1e-6 || !isRatio && math.Trunc(exact) == shown {
			want[key] = there
		}
	}
	compare(t, got, want)
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGrafanaDashboards runs the queries of Heapster's own Grafana dashboards on an
// export. Each has an answer, with the same series and times as from the data of
// Heapster's own sink.
func TestGrafanaDashboards(t *testing.T) {
	db, from, to := heapsterAndArchive(t)
	source := strings.TrimSpace(command(t, "../realheapster", "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/heapster"))
	for _, name := range []string{"cluster.json", "pods.json"} {
		text, err := os.ReadFile(filepath.Join(source, "grafana", "dashboards", name))
		if err != nil {
			t.Fatal(err)
		}
		var dashboard any
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(err)
		}
		questions := queriesOf(dashboard)
		if len(questions) < 10 {
			t.Fatalf("%s asks %d questions", name, len(questions))
		}
		for _, question := range questions {
			answered := 0
			for _, about := range subjectsOf(t, db, question) {
				asked := strings.NewReplacer(append(about,
					"$timeFilter", fmt.Sprintf("time >= %ds AND time <= %ds", from.Unix(), to.Unix()), "$interval", "20s")...).Replace(question)
				if strings.Contains(asked, "$") && !strings.Contains(asked, "$/") || strings.Contains(asked, "$time") {
					t.Fatalf("%s: an unknown variable in %s", name, asked)
				}
				got, want := shape(t, db, "k8s", asked), shape(t, db, sinkDatabase, asked)
				if !slices.Equal(got, want) {
					t.Errorf("%s: %s\n got %s\nwant %s", name, asked, got, want)
				}
				answered += len(got)
			}
			if answered == 0 {
				t.Errorf("%s: no answer to %s", name, question)
			}
		}
	}
}

// queriesOf finds the queries of a dashboard's panels and templates.
func queriesOf(value any) (queries []string) {
	switch v := value.(type) {
	case map[string]any:
		if query, ok := v["query"].(string); ok && query != "" {
			queries = append(queries, query)
		}
		for _, key := range []string{"rows", "panels", "targets", "templating", "list"} {
			queries = append(queries, queriesOf(v[key])...)
		}
	case []any:
		for _, one := range v {
			queries = append(queries, queriesOf(one)...)
		}
	}
	return queries
}

// subjectsOf returns values for a query's variables: every node, or every pod. They
// are pairs for [strings.NewReplacer].
func subjectsOf(t *testing.T, db *rig.InfluxDB, question string) (subjects [][]string) {
	t.Helper()
	values := func(key, where string) (names []string) {
		for _, series := range ask(t, db, "k8s", fmt.Sprintf(`SHOW TAG VALUES FROM "uptime" WITH KEY = "%s"%s`, key, where)) {
			for _, row := range series.Values {
				names = append(names, row[1].(string))
			}
		}
		return names
	}
	switch {
	case strings.Contains(question, "$nodename"):
		for _, node := range values("nodename", "") {
			subjects = append(subjects, []string{"$nodename", node})
		}
	case strings.Contains(question, "$namespace"):
		for _, namespace := range values("namespace_name", "") {
			for _, pod := range values("pod_name", fmt.Sprintf(` WHERE "namespace_name" = '%s'`, namespace)) {
				subjects = append(subjects, []string{"$namespace", namespace, "$podname", pod})
			}
		}
	default:
		subjects = [][]string{nil}
	}
	return subjects
}

// shape returns an answer without its rates: series, times, and other values.
func shape(t *testing.T, db *rig.InfluxDB, database, question string) (lines []string) {
	t.Helper()
	for _, series := range ask(t, db, database, question) {
		for _, row := range series.Values {
			if row[1] == nil {
				continue
			}
			value := fmt.Sprint(row[1])
			if strings.Contains(series.Name, "_rate") && series.Name != "cpu/usage_rate" {
				value = "a rate"
			}
			lines = append(lines, fmt.Sprint(series.Name, series.Tags, row[0], value))
		}
	}
	return lines
}

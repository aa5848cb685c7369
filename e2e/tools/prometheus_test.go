package tools

import (
	"bufio"
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// blocksOf makes blocks of an archive by promtool, and reads their values by
// {LABELS} MILLISECONDS.
func blocksOf(t *testing.T, dir string, flags ...string) map[string]string {
	t.Helper()
	tsdb := t.TempDir()
	command(t, dir, heapstash, append([]string{"export", "--db-file", "a.db", "--format", "openmetrics", "--output", "a.om", "--force"}, flags...)...)
	command(t, dir, "promtool", "tsdb", "create-blocks-from", "openmetrics", "a.om", tsdb)
	blocks, err := filepath.Glob(filepath.Join(tsdb, "*", "meta.json"))
	if err != nil || len(blocks) < 3 {
		t.Fatalf("blocks: %v, %v", blocks, err)
	}
	// dump needs a server's directory, which has a log.
	if err := os.Mkdir(filepath.Join(tsdb, "wal"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	lines := bufio.NewScanner(strings.NewReader(command(t, dir, "promtool", "tsdb", "dump", tsdb)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		// {LABELS} VALUE MILLISECONDS
		series, rest, ok := strings.Cut(lines.Text(), "} ")
		value, ms, isPair := strings.Cut(rest, " ")
		if !ok || !isPair {
			t.Fatalf("dump: %s", lines.Text())
		}
		key := series + "} " + ms
		if _, twice := got[key]; twice {
			t.Fatalf("dump has twice: %s", lines.Text())
		}
		got[key] = floatText(t, value)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestPrometheus makes blocks of an archive by promtool and reads every sample back,
// equal as a float64.
func TestPrometheus(t *testing.T) {
	dir := newArchive(t)
	got := blocksOf(t, dir)
	want := make(map[string]string)
	for _, s := range samplesOf(t, dir) {
		want[prometheusKey(s, prometheusName(s))] = floatText(t, s.Value)
	}
	compare(t, got, want)
}

// TestPrometheusHourly does the same with hours: they have a gauge for each column.
func TestPrometheusHourly(t *testing.T) {
	dir := newArchive(t)
	got := blocksOf(t, dir, "--level", "hourly")
	want := make(map[string]string)
	for _, statistic := range statistics {
		for _, s := range hoursOf(t, dir, statistic) {
			name := strings.TrimSuffix(prometheusName(s), "_total") + "_hourly_" + statistic
			want[prometheusKey(s, name)] = floatText(t, s.Value)
		}
	}
	compare(t, got, want)
}

// prometheusKey spells a sample as dump does.
func prometheusKey(s sample, name string) string {
	labels := resources(s.Labels)
	maps.Copy(labels, map[string]string{
		"__name__": name, "cluster": s.Cluster, "kind": s.Kind, "namespace": s.Namespace, "pod": s.Pod,
		"container": s.Container, "node": s.Node,
	})
	if s.Metric == "custom/same.name" || s.Metric == "custom/same_name" {
		labels["metric"] = s.Metric
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if labels[name] != "" {
			pairs = append(pairs, name+"="+strconv.Quote(labels[name]))
		}
	}
	return fmt.Sprintf("{%s} %d000", strings.Join(pairs, ", "), s.TS)
}

// floatText spells a number exactly as a float64.
func floatText(t *testing.T, text string) string {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.FormatFloat(f, 'x', -1, 64)
}

func prometheusName(s sample) string {
	odd := map[string]string{"custom/same.name": "custom_same_name", `custom/ünï, "a b"=c\d`: "custom__n____a_b__c_d"}
	name := "heapster_" + cmp.Or(s.Column, odd[s.Metric], strings.ReplaceAll(s.Metric, "/", "_"))
	if s.Growth == "cumulative" {
		name += "_total"
	}
	return name
}

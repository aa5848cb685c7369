package sqlite_test

import (
	"testing"

	"heapstash/archive/sqlite"
)

// TestViewsAreDescribed: every column of every view has a meaning, and a metric's
// its unit.
func TestViewsAreDescribed(t *testing.T) {
	path := newPath(t)
	open(t, path)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	views, err := r.Views(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(views) < 20 {
		t.Errorf("%d views", len(views))
	}
	units := make(map[string]string)
	for _, v := range views {
		if v.Meaning == "" {
			t.Errorf("view %s has no meaning", v.Name)
		}
		for _, c := range v.Columns {
			if c.Meaning == "" {
				t.Errorf("%s.%s has no meaning", v.Name, c.Name)
			}
			units[v.Name+"."+c.Name] = string(c.Unit)
		}
	}
	for column, want := range map[string]string{
		"pod.cpu_usage_rate": "millicores", "node.derived_cpu_utilization": "ratio",
		"pod_rates.derived_network_rx_per_second": "bytes/s", "pod.ts": "s since 1970", "passes.duration_ms": "ms",
	} {
		if got := units[column]; got != want {
			t.Errorf("unit of %s: %q, want %q", column, got, want)
		}
	}
	tables, err := r.Views(t.Context(), true)
	if err != nil || len(tables) < 20 {
		t.Errorf("%d tables: %v", len(tables), err)
	}
}

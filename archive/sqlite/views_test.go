package sqlite_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/internal/need"
	"heapstash/schema"
)

// TestColumnsAreTheRegistrys holds the registry to the format, whose columns are
// frozen: the metrics with Kinds or a Family are those with columns. A metric
// that is added later has neither, and its samples are in the narrow tables.
func TestColumnsAreTheRegistrys(t *testing.T) {
	path := newPath(t)
	open(t, path)
	tables := make(map[string][]schema.Metric)
	for _, k := range schema.Kinds() {
		tables[k.String()] = schema.MetricsOf(k)
	}
	for _, f := range schema.Families() {
		tables[string(f)] = schema.MetricsOfFamily(f)
	}
	for name, metrics := range tables {
		for tier, keys := range map[string]string{"hot": "ts entity_id", "cold": "entity_id ts"} {
			want := strings.Fields(keys)
			for _, m := range metrics {
				want = append(want, m.Column())
			}
			got := strings.Fields(stock(t, path, fmt.Sprintf("SELECT name FROM pragma_table_info('%s_%s')", name, tier)))
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s_%s has the columns\n%v, the registry wants\n%v", name, tier, got, want)
			}
			affinities := stock(t, path, fmt.Sprintf("SELECT count(*) FROM pragma_table_info('%s_%s') WHERE pk = 0 AND type <> ''", name, tier))
			if affinities != "0" {
				t.Errorf("%s_%s: %s value columns have an affinity", name, tier, affinities)
			}
		}
	}
}

// TestRollupColumnsAreTheRegistrys does the same for what rows come to.
func TestRollupColumnsAreTheRegistrys(t *testing.T) {
	path := newPath(t)
	open(t, path)
	columns := make(map[string]string)
	for line := range strings.Lines(stock(t, path, `SELECT s.name, group_concat(c.name, ' ') FROM sqlite_schema s, pragma_table_info(s.name) c GROUP BY s.name`)) {
		table, names, _ := strings.Cut(strings.TrimSpace(line), "|")
		columns[table] = names
	}
	for _, m := range schema.Registry() {
		kinds := []string{string(m.Family)}
		if m.Family == schema.Unlabelled {
			kinds = nil
			for _, k := range m.Kinds {
				kinds = append(kinds, k.String())
			}
		}
		c := m.Column()
		stored, shown := c+"_min "+c+"_max "+c+"_sum", c+"_min "+c+"_avg "+c+"_max "+c+"_sum "+c+"_count"
		percentiles := ""
		switch {
		case m.Type == schema.Cumulative:
			stored, shown = c+"_increase "+c+"_last", c+"_increase "+c+"_last"
		case m.Name == "cpu/usage_rate" || m.Name == "memory/working_set":
			percentiles = " " + c + "_p50 " + c + "_p95"
		}
		for _, kind := range kinds {
			for table, want := range map[string]string{
				kind + "_hour": stored + percentiles, kind + "_day": stored,
				kind + "_hourly": shown + percentiles, kind + "_daily": shown,
			} {
				if got := columns[table]; !strings.Contains(got+" ", " "+want+" ") {
					t.Errorf("%s has no columns %s:\n%s", table, want, got)
				}
			}
		}
	}
	for _, kind := range []string{"pod", "node", "accelerator"} {
		for _, suffix := range []string{"_hour", "_day"} {
			if got := columns[kind+suffix]; !strings.HasPrefix(got, "entity_id ts samples counts ") {
				t.Errorf("%s%s: %s", kind, suffix, got)
			}
		}
	}
	typed := stock(t, path, `SELECT count(*) FROM sqlite_schema s, pragma_table_info(s.name) c WHERE s.type = 'table'
		AND (s.name LIKE '%\_hour' ESCAPE '\' OR s.name LIKE '%\_day' ESCAPE '\') AND c.type <> '' AND c.name NOT IN ('entity_id', 'metric_id', 'ts', 'samples', 'counts')`)
	if typed != "0" {
		t.Errorf("%s value columns have an affinity", typed)
	}
}

// TestViewsArePublic spells the public contract out.
func TestViewsArePublic(t *testing.T) {
	path := newPath(t)
	open(t, path)
	for view, names := range map[string]string{
		"cluster":          "cluster ts time",
		"node":             "cluster node ts time",
		"namespace":        "cluster namespace ts time",
		"pod":              "cluster namespace pod ts time",
		"container":        "cluster namespace pod container ts time",
		"system_container": "cluster node container ts time",
		"filesystem":       "cluster kind node namespace pod container resource_id ts time",
		"disk":             "cluster kind node namespace pod container resource_id ts time",
		"accelerator":      "cluster kind node namespace pod container accelerator_id make model ts time",
		"samples":          "cluster kind namespace pod container node labels metric ts time value",
		"pod_hourly":       "cluster namespace pod ts time samples",
		"container_daily":  "cluster namespace pod container ts time samples",
		"disk_hourly":      "cluster kind node namespace pod container resource_id ts time samples",
		"samples_hourly":   "cluster kind namespace pod container node labels metric ts time samples min avg max sum increase last",
		"samples_daily":    "cluster kind namespace pod container node labels metric ts time samples min avg max sum increase last",
		"metrics":          "name column unit type description",
		"pod_identities":   "cluster namespace pod uid node labels images owner_kind owner valid_from valid_to present",
		"namespace_labels": "cluster namespace labels valid_from valid_to present",
		"gaps":             "cluster kind namespace node metric from_ts to_ts from_time to_time seconds cause detail pass",
	} {
		got := strings.Join(strings.Fields(stock(t, path, fmt.Sprintf("SELECT name FROM pragma_table_info('%s')", view))), " ")
		if got != names && !strings.HasPrefix(got, names+" ") {
			t.Errorf("view %s: %s", view, got)
		}
	}
	if got := stock(t, path, `SELECT "column", unit, type FROM metrics WHERE name = 'cpu/usage_rate'`); got != "cpu_usage_rate|millicores|gauge" {
		t.Errorf("metrics: %s", got)
	}
}

// TestPlans holds the views to the keys that they were built for, in the
// stock shell, whose planner is older than ours.
func TestPlans(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	for minute := range 180 {
		at := noon.Add(time.Duration(minute) * time.Minute)
		write(t, s,
			row(web0, at, reading("memory/usage", 1), reading("custom/q", 1)),
			row(schema.PodEntity("shop", "web-1"), at, reading("memory/usage", 1)))
	}
	compact(t, s, noon.Add(90*time.Minute), 180)
	const recent = "ts >= 1506520800"
	for _, test := range []struct {
		name, query string
		want, never []string
	}{
		{
			"one pod", "SELECT ts, memory_usage FROM pod WHERE namespace = 'shop' AND pod = 'web-0' AND ts >= 1506513600",
			[]string{"SEARCH e USING COVERING INDEX entity_key (kind=? AND namespace=? AND pod=?)",
				"SEARCH s USING PRIMARY KEY (entity_id=? AND ts>?)", "SEARCH s USING PRIMARY KEY (ts>?)"},
			[]string{"SCAN s", "MATERIALIZE pod"},
		},
		{
			"recent window", "SELECT pod, max(cpu_usage_rate) FROM pod WHERE " + recent + " GROUP BY pod",
			[]string{"SEARCH s USING PRIMARY KEY (ts>?)", "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH s USING PRIMARY KEY (entity_id=? AND ts>?)"},
			[]string{"SCAN s"},
		},
		{
			"one series of samples", "SELECT ts, value FROM samples WHERE kind = 'pod' AND pod = 'web-0' AND metric = 'memory/usage' AND " + recent,
			[]string{"SEARCH s USING PRIMARY KEY (entity_id=? AND ts>?)"},
			[]string{"SCAN s"},
		},
		{
			"hours of a pod", "SELECT ts, memory_usage_max FROM pod_hourly WHERE namespace = 'shop' AND pod = 'web-0' AND " + recent,
			[]string{"SEARCH e USING COVERING INDEX entity_key (kind=? AND namespace=? AND pod=?)", "SEARCH pod_hour USING PRIMARY KEY (entity_id=? AND ts>?)"},
			[]string{"SCAN s", "SCAN pod_hour", "MATERIALIZE s", "MATERIALIZE pod_hourly"},
		},
		{
			"disks of a node", "SELECT ts, disk_io_read_bytes FROM disk WHERE node = 'n1' AND " + recent,
			[]string{"SCAN entity USING INDEX entity_labelled", "SEARCH entity USING INTEGER PRIMARY KEY (rowid=?)",
				"SEARCH s USING PRIMARY KEY (entity_id=? AND ts>?)", "SEARCH s USING PRIMARY KEY (ts>?)"},
			[]string{"SCAN s", "MATERIALIZE e", "CO-ROUTINE e"},
		},
		{
			"hours of one series", "SELECT ts, max FROM samples_hourly WHERE kind = 'pod' AND namespace = 'shop' AND pod = 'web-0' AND metric = 'memory/usage' AND " + recent,
			[]string{"SEARCH e USING COVERING INDEX entity_key (kind=? AND namespace=? AND pod=?)", "SEARCH s USING PRIMARY KEY (entity_id=? AND ts>?)"},
			[]string{"SCAN s"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan := stock(t, path, "EXPLAIN QUERY PLAN "+test.query)
			for _, want := range test.want {
				if !strings.Contains(plan, want) {
					t.Errorf("no %q in\n%s", want, plan)
				}
			}
			for _, never := range test.never {
				if strings.Contains(plan+"\n", never+"\n") {
					t.Errorf("%q in\n%s", never, plan)
				}
			}
		})
	}
}

// TestSchemaIsSmall: a compound SELECT has at most 500 terms, and whoever opens
// the archive parses its schema first.
func TestSchemaIsSmall(t *testing.T) {
	path := newPath(t)
	open(t, path)
	for _, view := range []string{"samples", "samples_hourly"} {
		arms := stock(t, path, "SELECT (length(sql) - length(replace(sql, 'UNION ALL', ''))) / 9 + 1 FROM sqlite_schema WHERE name = '"+view+"'")
		var n int
		if _, err := fmt.Sscan(arms, &n); err != nil || n > 500 {
			t.Errorf("%s has %s arms: %v", view, arms, err)
		}
		t.Logf("%s has %d", view, n)
	}
	size := stock(t, path, "SELECT sum(length(sql)) FROM sqlite_schema")
	var bytes int
	if _, err := fmt.Sscan(size, &bytes); err != nil || bytes > 240_000 {
		t.Errorf("the schema has %s bytes: %v", size, err)
	}
	t.Logf("the schema has %d bytes", bytes)
}

// TestQuotesAreAroundNames: SQLite takes a name in double quotes that it does
// not know for a string, unless it is told not to. Our connections tell it, and
// make and read every table and view; so does the stock shell where it is told.
func TestQuotesAreAroundNames(t *testing.T) {
	path := newPath(t)
	open(t, path)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var script strings.Builder
	script.WriteString(".dbconfig dqs_dml off\n")
	for name := range strings.Lines(stock(t, path, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")) {
		fmt.Fprintf(&script, "SELECT * FROM %s LIMIT 1;\n", strings.TrimSpace(name))
		rows, err := r.Query(t.Context(), "SELECT * FROM "+name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		rows.Close()
	}
	shell := exec.Command(need.Program(t, "sqlite3"), "-bail", "-readonly", path)
	shell.Stdin = strings.NewReader(script.String())
	if out, err := shell.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := r.Query(t.Context(), `SELECT avg("cpu_usge_rate") FROM pod`); err == nil || !strings.Contains(err.Error(), "no such column") {
		t.Errorf("an unknown name in double quotes: %v", err)
	}
}

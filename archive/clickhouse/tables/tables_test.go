package tables_test

import (
	"database/sql"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/sqlite"
	"heapstash/schema"
)

func run(t *testing.T, db driver.Conn, statements ...string) {
	t.Helper()
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_distributed_sync": 1}))
	for _, s := range statements {
		if err := db.Exec(ctx, s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func strs(t *testing.T, db driver.Conn, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return all
}

// TestScript: two make the same archive at once, and its views have SQLite's columns.
func TestScript(t *testing.T) {
	server := clickhousetest.Start(t)
	db := server.Connect(t)
	d := tables.Dialect{Database: "an`archive"}
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { run(t, db, d.Script(tables.NewLayout())...) })
	}
	group.Wait()
	for name, want := range sqliteViews(t) {
		got := strs(t, db, "SELECT name FROM system.columns WHERE database = ? AND table = ?", d.Database, name)
		switch name {
		case "samples":
			want = append(want, "integer", "float")
		case "conflicts":
			want = append(want, "kept_integer", "kept_float", "refused_integer", "refused_float")
		}
		if strings.HasSuffix(name, "_hourly") || strings.HasSuffix(name, "_daily") || strings.HasSuffix(name, "_rates") {
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has the columns\n%v, want\n%v", name, got, want)
		}
		strs(t, db, "SELECT toString(count()) FROM (SELECT * FROM "+d.Name(name)+")")
	}
	run(t, db, d.DropViews(tables.NewLayout())...)
	run(t, db, d.Views(tables.NewLayout())...)
}

// sqliteViews returns the columns of SQLite's views.
func sqliteViews(t *testing.T) map[string][]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'view' ORDER BY 1, c.cid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := make(map[string][]string)
	for rows.Next() {
		var view, column string
		if err := rows.Scan(&view, &column); err != nil {
			t.Fatal(err)
		}
		all[view] = append(all[view], column)
	}
	if len(all) < 20 {
		t.Fatalf("SQLite has the views %v", all)
	}
	return all
}

// TestTimes: the time of each row is the calendar's, from 1970 to 9999.
func TestTimes(t *testing.T) {
	server := clickhousetest.Start(t)
	db := server.Connect(t)
	d := tables.Dialect{Database: "a"}
	run(t, db, d.Script(tables.NewLayout())...)
	last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
	const step = 86400*97 + 3671
	run(t, db, fmt.Sprintf("INSERT INTO a.cluster_rows (cluster, ts) SELECT 'c', 1 + %d * number FROM numbers(%d)", step, last/step))
	for _, at := range []string{"2000-02-29T23:59:59Z", "2016-12-31T00:00:00Z", "2038-01-19T03:14:08Z", "2100-02-28T23:59:59Z", "2100-03-01T00:00:00Z", "2106-02-07T06:28:16Z", "2400-02-29T12:00:00Z", "9999-12-31T23:59:59Z"} {
		ts, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		run(t, db, fmt.Sprintf("INSERT INTO a.cluster_rows (cluster, ts) SELECT 'c', %d", ts.Unix()))
	}
	rows, err := db.Query(t.Context(), "SELECT ts, time FROM a.cluster")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := int64(0)
	for ; rows.Next(); n++ {
		var ts int64
		var text string
		if err := rows.Scan(&ts, &text); err != nil {
			t.Fatal(err)
		}
		if want := schema.Instant(ts).String(); text != want {
			t.Errorf("%d is %s, want %s", ts, text, want)
		}
	}
	if n != last/step+8 {
		t.Errorf("%d rows, want %d", n, last/step+8)
	}
}

// TestValues: the view samples has each value as it was, in the column of its type.
func TestValues(t *testing.T) {
	server := clickhousetest.Start(t)
	db := server.Connect(t)
	d := tables.Dialect{Database: "a"}
	l := tables.NewLayout()
	run(t, db, d.Script(l)...)
	node, utilization := l.Find(schema.NodeEntity("n"), "cpu/node_utilization")
	bit := node.Bit(utilization)
	run(t, db,
		fmt.Sprintf("INSERT INTO a.node_rows (cluster, node, ts, cpu_usage, cpu_node_utilization, memory_node_utilization, cpu_usage_rate, cpu_node_allocatable, integers, revision) SELECT 'c', 'n', 60, %d, 1, 0.5, 100, 400, %d, 1", int64(math.MaxInt64), bit),
		"INSERT INTO a.node_rows (cluster, node, ts, cpu_usage, revision) SELECT 'c', 'n', 120, 1, 1",
		"INSERT INTO a.node_rows (cluster, node, ts, cpu_usage, revision) SELECT 'c', 'n', 120, 2, 2",
		"INSERT INTO a.narrow_rows (cluster, metric, kind, namespace, pod, ts, float, revision) SELECT 'c', 'custom/x', 'pod', 's', 'p', 60, 1.5, 1",
		"INSERT INTO a.narrow_rows (cluster, metric, kind, node, labels, ts, revision) SELECT 'c', 'custom/gone', 'node', 'n', 'a:b', 60, 1",
		"INSERT INTO a.disk_rows (cluster, kind, node, labels, ts, disk_io_read_bytes) SELECT 'c', 'node', 'n', 'resource_id:a,b', 60, -4",
	)
	got := strs(t, db, "SELECT arrayStringConcat([cluster, kind, ifNull(namespace, '-'), ifNull(pod, '-'), ifNull(container, '-'), ifNull(node, '-'), ifNull(labels, '-'), metric, time, ifNull(toString(integer), '-'), ifNull(toString(float), '-')], ' ') AS line FROM a.samples ORDER BY line")
	want := []string{
		"c node - - - n - cpu/node_allocatable 1970-01-01T00:01:00Z - 400",
		"c node - - - n - cpu/node_utilization 1970-01-01T00:01:00Z 1 -",
		"c node - - - n - cpu/usage 1970-01-01T00:01:00Z 9223372036854775807 -",
		"c node - - - n - cpu/usage 1970-01-01T00:02:00Z 2 -",
		"c node - - - n - cpu/usage_rate 1970-01-01T00:01:00Z 100 -",
		"c node - - - n - memory/node_utilization 1970-01-01T00:01:00Z - 0.5",
		"c node - - - n resource_id:a,b disk/io_read_bytes 1970-01-01T00:01:00Z -4 -",
		"c pod s p - - - custom/x 1970-01-01T00:01:00Z - 1.5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("samples:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	got = strs(t, db, "SELECT toString(ifNull(derived_cpu_utilization, -1)) || ' ' || toString(ifNull(derived_memory_utilization, -1)) FROM a.node ORDER BY ts")
	if want := []string{"0.25 0.5", "-1 -1"}; !slices.Equal(got, want) {
		t.Errorf("exact ratios: %v, want %v", got, want)
	}
	got = strs(t, db, "SELECT ifNull(resource_id, '-') FROM a.disk")
	if want := []string{"a,b"}; !slices.Equal(got, want) {
		t.Errorf("labels: %v, want %v", got, want)
	}
}

// TestLabels: the views take a family's labels apart as an expression does, and any other
// set by its pairs.
func TestLabels(t *testing.T) {
	server := clickhousetest.Start(t)
	db := server.Connect(t)
	d := tables.Dialect{Database: "a"}
	run(t, db, d.Script(tables.NewLayout())...)
	meant := map[schema.Family]*regexp.Regexp{
		schema.Disk:        regexp.MustCompile(`(?s)\Aresource_id:(.*)\z`),
		schema.Accelerator: regexp.MustCompile(`(?s)\Aaccelerator_id:(.*?),make:(.*?),model:(.*)\z`),
	}
	for i, labels := range []string{
		"resource_id:/dev/sda1", "resource_id:Volume:a,b:c", "a:b,resource_id:/", "a:b", "resource_id:", ",resource_id:x", "xresource_id:y", "resource_id:a\nb'\\",
		"accelerator_id:GPU-1,make:nvidia,model:k80", "accelerator_id:,make:,model:", "accelerator_id:1,2,make:n,v,model:k,8,0", "make:a,model:b",
		"accelerator_id:1,make:a,make:b,model:c,model:d", "accelerator_id:1,model:a,make:b", "x",
	} {
		for family, expression := range meant {
			groups := expression.FindStringSubmatch(labels)
			run(t, db, fmt.Sprintf("INSERT INTO a.%s_rows (cluster, kind, node, labels, ts) SELECT 'c', 'node', 'n', %s, %d", family, tables.Literal(labels), i+1))
			for k, key := range family.LabelKeys() {
				want := "NULL"
				if groups != nil {
					want = "=" + groups[k+1]
				} else {
					for pair := range strings.SplitSeq(labels, ",") {
						if value, is := strings.CutPrefix(pair, key+":"); is && want == "NULL" {
							want = "=" + value
						}
					}
				}
				got := strs(t, db, fmt.Sprintf("SELECT if(isNull(%s), 'NULL', concat('=', assumeNotNull(%[1]s))) FROM a.%s WHERE ts = %d", key, family, i+1))
				if len(got) != 1 || got[0] != want {
					t.Errorf("%s of %q: %s is %q, want %q", family, labels, key, got, want)
				}
			}
		}
	}
}

// TestCluster: the views have the rows of every shard, and the same answers by every
// server.
func TestCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	d := tables.Dialect{Database: cluster.Database(t), Cluster: cluster.Name, Replicated: true}
	l := tables.NewLayout()
	db := cluster.Servers()[0].Connect(t)
	run(t, db, d.Script(l)...)
	run(t, db,
		"INSERT INTO "+d.Name("pod_rows")+" (cluster, namespace, pod, ts, memory_usage) SELECT 'c', 's', toString(number), 60, number FROM numbers(100)",
		"INSERT INTO "+d.Name("filesystem_rows")+" (cluster, kind, node, labels, ts, filesystem_usage) SELECT 'c', 'node', toString(number), 'resource_id:/', 60, number FROM numbers(100)",
		"INSERT INTO "+d.Name("entity_rows")+" (cluster, kind, namespace, pod, first_seen) SELECT 'c', 'pod', 's', toString(number), 60 FROM numbers(100)",
		"INSERT INTO "+d.Name("cluster_state_rows")+" (cluster, horizon) SELECT 'c', 120")
	cluster.Sync(t, d.Database)
	for _, server := range cluster.Servers() {
		for query, want := range map[string]string{
			"SELECT toString(tuple(count(), sum(value), min(time))) FROM " + d.Name("samples"): "(200,9900,'1970-01-01T00:01:00Z')",
			"SELECT toString(tuple(count(), min(time))) FROM " + d.Name("pod"):                 "(100,'1970-01-01T00:01:00Z')",
			"SELECT toString(tuple(count(), max(last_seen))) FROM " + d.Name("entities"):       "(100,120)",
			"SELECT toString(count()) FROM " + d.Name("pod_identities"):                        "0",
			"SELECT toString(count()) FROM " + d.Name("gaps"):                                  "0",
		} {
			if got := strs(t, server.Connect(t), query); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %v, want %s", query, got, want)
			}
		}
		if got := strs(t, server.Connect(t), "SELECT toString(count() BETWEEN 20 AND 80) FROM "+d.Name("pod_local")); got[0] != "1" {
			t.Error("a shard has nearly all pods, or nearly none")
		}
	}
}

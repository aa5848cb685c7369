package chdb_test

import (
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive/clickhouse/tables"
	"heapstash/e2e/chdb"
	"heapstash/schema"
)

// TestTables: a current engine makes the tables and views of an archive, twice, and
// reads them.
func TestTables(t *testing.T) {
	db, err := clickhouse.Open(&clickhouse.Options{Addr: []string{chdb.Start(t).Address}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	v, err := db.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	d := tables.Dialect{Database: "a", Codecs: tables.KnowsCodecs(v.Version.Major)}
	l := tables.NewLayout()
	for _, statement := range append(d.Script(l), append(append(d.Script(l), d.DropViews(l)...), d.Views(l)...)...) {
		if err := db.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{
		"INSERT INTO a.node_rows (cluster, node, ts, cpu_usage, cpu_node_utilization, memory_node_utilization, integers, revision) SELECT 'c', 'n', 253402300799, 5, 1, 0.5, 8, 1",
		"INSERT INTO a.accelerator_rows (cluster, kind, node, labels, ts, accelerator_duty_cycle) SELECT 'c', 'container', 'n', 'accelerator_id:1,2,make:n,model:k', 60, 7",
		"INSERT INTO a.narrow_rows (cluster, metric, kind, node, ts, float) SELECT 'c', 'custom/x', 'node', 'n', 60, 0.5",
	} {
		if err := db.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for _, view := range []string{"pod", "filesystem", "metrics", "entities", "pod_identities", "namespace_labels", "passes", "holes", "gaps", "conflicts"} {
		var n uint64
		if err := db.QueryRow(t.Context(), "SELECT count() FROM (SELECT * FROM a."+view+")").Scan(&n); err != nil || n != 0 {
			t.Errorf("%s: %d, %v", view, n, err)
		}
	}
	rows, err := db.Query(t.Context(), "SELECT metric, time, integer, float FROM a.samples WHERE cluster = 'c' ORDER BY metric")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := ""
	for rows.Next() {
		var metric, time string
		var i *int64
		var f *float64
		if err := rows.Scan(&metric, &time, &i, &f); err != nil {
			t.Fatal(err)
		}
		value := schema.Value{}
		if i != nil {
			value = schema.Int(*i)
		} else {
			value = schema.Real(*f)
		}
		got += fmt.Sprintln(metric, time, value)
	}
	const want = `accelerator/duty_cycle 1970-01-01T00:01:00Z 7
cpu/node_utilization 9999-12-31T23:59:59Z 1
cpu/usage 9999-12-31T23:59:59Z 5
custom/x 1970-01-01T00:01:00Z 0.5
memory/node_utilization 9999-12-31T23:59:59Z 0.5
`
	if err := rows.Err(); err != nil || got != want {
		t.Errorf("%v\n%swant\n%s", err, got, want)
	}
}

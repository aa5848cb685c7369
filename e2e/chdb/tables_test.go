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
	d := tables.NewDialect("a", "", false, v.Version.Major)
	l := tables.NewLayout()
	for _, statement := range append(d.Script(l), append(append(d.Script(l), d.DropViews(l)...), d.Views(l)...)...) {
		if err := db.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	var packed uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM system.columns WHERE database = 'a' AND table = 'pod_rows' AND compression_codec != ''").Scan(&packed); err != nil || packed < 10 {
		t.Errorf("%d columns have a codec, %v", packed, err)
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
	for i, at := range []int{60, 120, 150, 180} { // a counter that is reset, and missing once
		counter := []string{"1000", "400", "NULL", "430"}[i]
		if err := db.Exec(t.Context(), fmt.Sprintf("INSERT INTO a.pod_rows (cluster, namespace, pod, ts, network_rx, network_tx) SELECT 'c', 's', 'p', %d, %s, %d", at, counter, 10*at)); err != nil {
			t.Fatal(err)
		}
	}
	var rates string
	if err := db.QueryRow(t.Context(), "SELECT toString(groupArray((ts, ifNull(derived_network_rx_per_second, -1), ifNull(derived_network_tx_per_second, -1)))) FROM (SELECT * FROM a.pod_rates ORDER BY ts)").Scan(&rates); err != nil {
		t.Error(err)
	}
	if want := "[(60,-1,-1),(120,6.666666666666667,10),(150,-1,10),(180,-1,10)]"; rates != want {
		t.Errorf("rates are %s, want %s", rates, want)
	}
	rows, err := db.Query(t.Context(), "SELECT metric, time, integer, float FROM a.samples WHERE ifNull(pod, '') = '' ORDER BY metric")
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

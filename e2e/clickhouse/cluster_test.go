package clickhouse

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive/clickhouse/clickhousetest"
)

// TestCluster: rows reach both shards and both replicas, while processes are killed,
// paused and started again.
func TestCluster(t *testing.T) {
	began := time.Now()
	c := clickhousetest.StartCluster(t, clickhousetest.Options{})
	t.Logf("started after %v", time.Since(began).Round(time.Millisecond))
	first := c.Shards[0][0]
	database := c.Database(t)
	on := fmt.Sprintf("%s.x ON CLUSTER %s", database, c.Name)
	first.Exec(t, "CREATE TABLE "+on+" (a Int64) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{cluster}/"+database+"/{shard}/x', '{replica}') ORDER BY a")
	first.Exec(t, fmt.Sprintf("CREATE TABLE %s.every ON CLUSTER %s AS %[1]s.x ENGINE = Distributed(%[2]s, %[1]s, x, a)", database, c.Name))
	sync := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_distributed_sync": 1}))
	insert := func(into *clickhousetest.Server, from, to int) {
		t.Helper()
		statement := fmt.Sprintf("INSERT INTO %s.every SELECT number FROM system.numbers WHERE number >= %d LIMIT %d", database, from, to-from)
		if err := into.Connect(t).Exec(sync, statement); err != nil {
			t.Fatal(err)
		}
	}
	has := func(s *clickhousetest.Server, table string, want ...uint64) {
		t.Helper()
		var n uint64
		if err := s.Connect(t).QueryRow(t.Context(), "SELECT count() FROM "+database+"."+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(want, n) {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	insert(first, 0, 100)
	c.Sync(t, database)
	for _, server := range c.Servers() {
		has(server, "every", 100)
	}
	has(first, "x", 50) // a shard's
	first.Kill()
	has(c.Shards[1][0], "every", 100)
	insert(c.Shards[1][1], 100, 200)
	first.Start(t)
	c.Sync(t, database)
	c.Shards[1][0].Pause(t)
	c.Shards[1][0].Resume(t)
	has(c.Shards[0][1], "x", 100)
	c.ZooKeeper.Kill()
	has(c.Shards[1][0], "every", 200)
	c.ZooKeeper.Start(t)
	c.Await(t)
	first.Exec(t, fmt.Sprintf("DROP TABLE %s.every ON CLUSTER %s", database, c.Name))
}

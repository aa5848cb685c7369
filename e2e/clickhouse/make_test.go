package clickhouse

import (
	"errors"
	"sync"
	"testing"
	"time"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/e2e/chdb"
)

// TestMake: two programs make one archive at once. Its id is the one of either.
func TestMake(t *testing.T) {
	servers := clickhousetest.StartCluster(t, clickhousetest.Options{})
	current := chdb.Start(t)
	for name, address := range map[string]string{
		"Cluster": "clickhouse://" + servers.Shards[1][0].Address + "/made?cluster=" + servers.Name,
		"Server":  "clickhouse://" + servers.Shards[0][0].Address + "/alone",
		"Current": "clickhouse://" + current.Address + "/made",
	} {
		t.Run(name, func(t *testing.T) {
			var both sync.WaitGroup
			var ids [3]string
			var errs [2]error
			for i := range 2 {
				both.Go(func() { ids[i], errs[i] = openOrMake(t, address) })
			}
			both.Wait()
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
			if name == "Cluster" {
				servers.Sync(t, "made")
			}
			var err error
			if ids[2], err = openOrMake(t, address); err != nil {
				t.Fatal(err)
			}
			if ids[0] == "" || ids[1] == "" || ids[2] != ids[0] && ids[2] != ids[1] {
				t.Errorf("the archive's id is %q, and was %q when it was made", ids[2], ids[:2])
			}
		})
	}
}

func openOrMake(t *testing.T, address string) (string, error) {
	began := time.Now()
	c, info, err := conn.OpenOrMake(t.Context(), address, conn.Options{})
	t.Log(time.Since(began))
	if err != nil {
		return "", err
	}
	return info.ID, c.Close()
}

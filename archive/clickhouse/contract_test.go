package clickhouse_test

import (
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/archivetest"
	"heapstash/archive/clickhouse/answertest"
	"heapstash/archive/clickhouse/clickhousetest"
)

func TestContract(t *testing.T) {
	server := clickhousetest.Start(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return answertest.Engine("clickhouse://" + server.Address + "/" + server.Database(t))
	})
}

// TestContractOfCluster is the same with two shards of two replicas each.
func TestContractOfCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return answertest.Engine("clickhouse://" + strings.Join(cluster.Addresses(), ",") + "/" + cluster.Database(t) + "?cluster=" + cluster.Name)
	})
}

// openSamples opens the archive's samples.
func openSamples(t *testing.T, address string) archive.Samples {
	t.Helper()
	r, err := answertest.Engine(address).Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	s, err := r.OpenSamples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

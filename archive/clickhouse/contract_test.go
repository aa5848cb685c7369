package clickhouse_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/archivetest"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
)

func TestContract(t *testing.T) {
	server := clickhousetest.Start(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return engine("clickhouse://" + server.Address + "/" + server.Database(t))
	})
}

// TestContractOfCluster is the same with two shards of two replicas each.
func TestContractOfCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return engine("clickhouse://" + strings.Join(cluster.Addresses(), ",") + "/" + cluster.Database(t) + "?cluster=" + cluster.Name)
	})
}

func engine(address string) archivetest.Engine {
	return archivetest.Engine{
		Store: func(ctx context.Context, r archive.Retention) (archivetest.Store, error) {
			return clickhouse.Open(ctx, address, clickhouse.Options{Retention: r})
		},
		Reader: func(ctx context.Context) (archivetest.Reader, error) {
			return clickhouse.OpenReader(ctx, address, conn.Options{})
		},
		Slack: 24 * time.Hour,
	}
}

// openSamples opens the archive's samples.
func openSamples(t *testing.T, address string) archive.Samples {
	t.Helper()
	r, err := engine(address).Reader(t.Context())
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

package clickhouse

import (
	"context"
	"testing"
	"time"

	"heapstash/archive"
	"heapstash/archive/archivetest"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/conn"
	"heapstash/e2e/chdb"
)

// TestContractOfCurrentEngine: an archive in a current engine is like every other
// archive.
func TestContractOfCurrentEngine(t *testing.T) {
	if !*long {
		t.Skip("it takes minutes: make torture runs it")
	}
	server := chdb.Start(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return engine(url("", server.Database(t), server.Address))
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

package answertest

import (
	"context"
	"time"

	"heapstash/archive"
	"heapstash/archive/archivetest"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/conn"
)

// Engine returns the archive at an address for [archivetest.Run].
func Engine(address string) archivetest.Engine {
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

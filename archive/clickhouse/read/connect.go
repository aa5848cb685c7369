package read

import (
	"context"
	"errors"

	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/rows"
)

// Connect opens an existing archive: see [conn.Open].
func Connect(ctx context.Context, address string, opts conn.Options) (rows.Server, error) {
	c, _, err := conn.Open(ctx, address, opts)
	if err != nil {
		return rows.Server{}, err
	}
	server, err := rows.NewServer(ctx, c)
	if err != nil {
		return rows.Server{}, errors.Join(err, c.Close())
	}
	return server, nil
}

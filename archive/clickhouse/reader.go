package clickhouse

import (
	"context"
	"errors"
	"fmt"

	"heapstash/archive"
	"heapstash/archive/clickhouse/answer"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/read"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/archive/query"
	"heapstash/schema"
)

// Reader is an archive open for reading. Several goroutines may use it.
type Reader struct {
	answer.Archive
	server rows.Server
}

var (
	_ query.Archive  = (*Reader)(nil)
	_ archive.Teller = (*Reader)(nil)
)

// OpenReader opens an existing archive: see [conn.Open].
func OpenReader(ctx context.Context, address string, opts conn.Options) (*Reader, error) {
	c, _, err := conn.Open(ctx, address, opts)
	if err != nil {
		return nil, err
	}
	server, err := rows.NewServer(ctx, c)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Reader{answer.New(server), server}, nil
}

// Close closes the connections.
func (r *Reader) Close() error { return r.server.Close() }

// selectBytes has the parameters of the table of parts and the database. A cluster has
// one replica of each shard in it.
const selectBytes = `SELECT toInt64(sum(bytes_on_disk)) FROM %s WHERE active AND database = %s`

// parts is the table of parts, of one replica of each shard.
func (r *Reader) parts() string {
	if r.server.Dialect.Cluster == "" {
		return "system.parts"
	}
	return "cluster(" + tables.Literal(r.server.Dialect.Cluster) + ", system.parts)"
}

// Status implements [archive.Teller]. Its sizes are of one replica of each shard.
func (r *Reader) Status(ctx context.Context) (archive.Status, error) {
	s, err := read.Status(ctx, r.server)
	if err != nil {
		return archive.Status{}, err
	}
	if err := r.server.One(ctx, fmt.Sprintf(selectBytes, r.parts(), tables.Literal(r.server.Dialect.Database)), &s.Bytes); err != nil {
		return archive.Status{}, err
	}
	s.Path, s.Version, s.Used = r.server.Address.String(), tables.Format, s.Bytes
	return s, nil
}

// Holes implements [archive.Teller].
func (r *Reader) Holes(ctx context.Context, since schema.Instant) ([]archive.RecordedHole, error) {
	return read.Holes(ctx, r.server, since)
}

// OpenSamples opens the samples that the archive has at this moment.
func (r *Reader) OpenSamples(ctx context.Context) (archive.Samples, error) {
	return read.OpenSamples(ctx, r.server)
}

// Select runs a statement that only reads. It calls begin with the names of the columns,
// and then row with the values of each row, which it reuses: nil, int64, float64 or
// string. Their errors are returned as they are.
func (r *Reader) Select(ctx context.Context, statement string, begin func(columns []string) error, row func(values []any) error) error {
	return r.server.Select(ctx, statement, begin, row)
}

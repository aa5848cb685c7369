package clickhouse

import (
	"context"

	"heapstash/archive"
	"heapstash/archive/clickhouse/answer"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/read"
	"heapstash/archive/clickhouse/rows"
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
	server, err := read.Connect(ctx, address, opts)
	if err != nil {
		return nil, err
	}
	return &Reader{answer.New(server), server}, nil
}

// Close closes the connections.
func (r *Reader) Close() error { return r.server.Close() }

// Status implements [archive.Teller]. Its sizes are of one replica of each shard.
func (r *Reader) Status(ctx context.Context) (archive.Status, error) {
	return read.Status(ctx, r.server)
}

// Usage returns the size of each table with samples, of one replica of each shard, and of
// all others together.
func (r *Reader) Usage(ctx context.Context) (archive.Usage, error) { return read.Usage(ctx, r.server) }

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

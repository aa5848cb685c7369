package sqlite

import (
	"context"
	"time"

	"heapstash/archive"
	"heapstash/archive/query"
	"heapstash/archive/sqlite/answer"
	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/schema"
)

// Reader is an archive open for reading. Several goroutines may use it.
type Reader struct {
	*conn.Reader
	answer.Archive
}

var _ query.Archive = (*Reader)(nil)

// OpenReader opens an existing archive: see [conn.OpenReader].
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	r, err := conn.OpenReader(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Reader{r, answer.New(r)}, nil
}

// Status implements [archive.Teller].
func (r *Reader) Status(ctx context.Context) (archive.Status, error) {
	return read.Status(ctx, r.Reader)
}

// Holes implements [archive.Teller].
func (r *Reader) Holes(ctx context.Context, since schema.Instant) ([]archive.RecordedHole, error) {
	return read.Holes(ctx, r.Reader, since)
}

// InLake returns which raw rows pruning wrote to the lake.
func (r *Reader) InLake(ctx context.Context) ([]archive.LakeSpan, error) {
	all, err := conn.InLake(ctx, r.DB)
	return all, conn.WithRemedy(r.Path, err)
}

// Usage returns how the archive's space is used.
func (r *Reader) Usage(ctx context.Context) (archive.Usage, error) { return read.Usage(ctx, r.Reader) }

// OpenSamples opens the samples that the archive has at this moment.
func (r *Reader) OpenSamples(ctx context.Context) (archive.Samples, error) {
	return read.OpenSamples(ctx, r.Reader)
}

// Views describes the archive's views, or its tables.
func (r *Reader) Views(ctx context.Context, ofTables bool) ([]tables.View, error) {
	return read.Views(ctx, r.Reader, ofTables)
}

// Functions returns the names of the SQL functions.
func (r *Reader) Functions(ctx context.Context) ([]string, error) {
	return read.Functions(ctx, r.Reader)
}

// Check examines the whole archive: see [check.Run].
func (r *Reader) Check(ctx context.Context, opts check.Options) (check.Report, error) {
	return check.Run(ctx, r.Reader, opts)
}

// Prunable measures the data that pruning would delete now: see [upkeep.MeasurePrunable].
func (r *Reader) Prunable(ctx context.Context, retention archive.Retention, lake bool, now time.Time) (upkeep.Prunable, error) {
	return upkeep.MeasurePrunable(ctx, r.Reader, retention, lake, now)
}

package transfer

import (
	"context"
	"slices"

	"heapstash/archive"
	"heapstash/schema"
)

// batchSamples is how many samples are written at once.
const batchSamples = 400_000

// batches collects samples into batches of one cluster each.
type batches struct {
	pass    map[string]archive.PassID
	write   func(archive.Batch) error
	cluster string
	rows    []schema.Row
	// readings is the memory of the rows' readings.
	readings []schema.Reading
}

// copy writes the piece's samples, and returns their digests.
func (b *batches) copy(ctx context.Context, p piece, from archive.Samples) (digests, error) {
	all := make(digests)
	for series, err := range from.Series(ctx, p.selection()) {
		if err != nil {
			return nil, err
		}
		if series.Cluster != b.cluster {
			if err := b.flush(); err != nil {
				return nil, err
			}
			b.cluster = series.Cluster
		}
		h := newHasher(series)
		var failed error
		first := len(b.rows) // rows of the same moment before it are another series'
		for s := range series.Samples {
			h.add(s)
			if len(b.readings) == cap(b.readings) {
				if failed = b.flush(); failed != nil {
					break
				}
				first = 0
			}
			b.add(series, s, first)
		}
		if failed != nil {
			return nil, failed
		}
		all.add(series.Cluster, h.digest)
	}
	return all, b.flush()
}

// add adds a sample to the last row, if that is of the same series and moment, or to a
// new one.
func (b *batches) add(series *archive.Series, s archive.Sample, first int) {
	b.readings = append(b.readings, schema.Reading{Metric: series.Columns[s.Column].Metric, Value: s.Value})
	end := len(b.readings)
	if last := len(b.rows) - 1; last >= first && b.rows[last].At == s.At {
		row := &b.rows[last]
		row.Readings = b.readings[end-len(row.Readings)-1 : end : end]
		return
	}
	b.rows = append(b.rows, schema.Row{Entity: series.Entity, At: s.At, Readings: b.readings[end-1 : end : end]})
}

// flush writes the rows, in the order of time.
func (b *batches) flush() error {
	if len(b.rows) == 0 {
		return nil
	}
	slices.SortStableFunc(b.rows, func(x, y schema.Row) int { return int(x.At - y.At) })
	err := b.write(archive.Batch{Pass: b.pass[b.cluster], Cluster: b.cluster, Rows: b.rows})
	b.rows, b.readings = b.rows[:0], b.readings[:0]
	return err
}

package upkeep

import (
	"context"
	"database/sql"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/tables"
)

// PrunableLevel is the data of all kinds at one level that would be deleted, and the
// level's size.
type PrunableLevel struct {
	Level   archive.Level `json:"level"`
	Rows    int64         `json:"rows"`    // to be deleted
	Samples int64         `json:"samples"` // to be deleted, of raw rows
	Bytes   int64         `json:"bytes"`   // to be deleted, an estimate
	// Held is the exact size of the level now, in bytes of whole pages.
	Held int64 `json:"held_bytes"`
}

// Remaining estimates the size of the level after pruning, in bytes.
func (l PrunableLevel) Remaining() int64 { return max(l.Held-l.Bytes, 0) }

// Total returns the sum of all levels. Its level is empty.
func (p Prunable) Total() PrunableLevel {
	var total PrunableLevel
	for _, l := range p.Levels {
		total.Rows += l.Rows
		total.Samples += l.Samples
		total.Bytes += l.Bytes
		total.Held += l.Held
	}
	return total
}

// RawSamples returns the number of raw samples to be deleted.
func (p Prunable) RawSamples() (samples int64) {
	for _, l := range p.Levels {
		samples += l.Samples
	}
	return samples
}

// sumLevels sets Levels and Held.
func (p *Prunable) sumLevels(ctx context.Context, r *conn.Reader, tx *sql.Tx) error {
	a, err := conn.ReadAccount(ctx, tx)
	if err != nil {
		return err
	}
	if !a.Open {
		held := a.Stored - a.Deleted
		p.Held = &held
	}
	sizes, err := read.TreeSizes(r)
	if err != nil {
		return err
	}
	for _, level := range archive.Levels() {
		sum := PrunableLevel{Level: level}
		for _, pair := range tables.NewLayout().Pairs() {
			sum.Held += read.SizeAt(sizes, pair.Name, level)
		}
		for _, k := range p.Kinds {
			if k.Level == level {
				sum.Rows += k.Rows
				sum.Samples += k.Samples
				sum.Bytes += k.Bytes
			}
		}
		p.Levels = append(p.Levels, sum)
	}
	return nil
}

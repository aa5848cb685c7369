package archive

import (
	"context"
	"iter"

	"heapstash/schema"
)

// Lake keeps raw rows outside the archive, before pruning deletes them.
type Lake interface {
	// Keep makes sure that the lake has all samples of the series, which are of one day,
	// also after a power cut. It may repeat what was done before. It returns the samples
	// that the lake has with another value, which stays. The error wraps [ErrLocked] if
	// another process writes to the lake.
	Keep(ctx context.Context, of LakeDay, series iter.Seq2[*Series, error]) (conflicts []Conflict, err error)
	// Find yields what the lake has of the entities on a day, a series for each row.
	Find(ctx context.Context, of LakeDay, entities []schema.Entity) iter.Seq2[*Series, error]
	// Dir names the lake for people.
	Dir() string
}

// Conflict is a value that was refused, because the archive or the lake kept another one.
type Conflict struct {
	Entity        schema.Entity
	Metric        schema.MetricName
	At            schema.Instant
	Kept, Refused schema.Value
}

// LakeDay is a day of raw rows.
type LakeDay struct {
	Table   string // a kind's, a labelled family's, or "narrow"
	Cluster string
	Day     schema.Instant // its begin, UTC
}

// LakeSpan says which raw rows of a table, a cluster and a kind of entity are in the lake.
// Each day of it has rows there: a day without rows is between two spans.
type LakeSpan struct {
	Cluster string      `json:"cluster"`
	Table   string      `json:"table"`
	Kind    schema.Kind `json:"kind"`
	// From is the begin of the first day. Until is the end of the last one, not included.
	// Rows before Until that are still in the archive are in the lake too, or are late.
	From  schema.Instant `json:"from"`
	Until schema.Instant `json:"until"`
}

// LakeUsage is the size of a table and a cluster in the lake.
type LakeUsage struct {
	Cluster string         `json:"cluster"`
	Table   string         `json:"table"`
	Days    int            `json:"days"`
	Oldest  schema.Instant `json:"oldest"` // begin of the first day
	Newest  schema.Instant `json:"newest"` // begin of the last day
	Files   int            `json:"files"`
	Bytes   int64          `json:"bytes"`
}

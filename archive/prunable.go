package archive

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"heapstash/schema"
)

// Prunable is what [Prune] would take away.
type Prunable struct {
	Path   string         `json:"path"`
	Kinds  []PrunableKind `json:"kinds"` // those that are not kept for ever
	Passes int64          `json:"passes"`
	Holes  int64          `json:"holes"`
}

// PrunableKind is what would go of one kind, of all clusters.
type PrunableKind struct {
	Kind    schema.Kind    `json:"kind"`
	Before  schema.Instant `json:"before"` // samples before this go
	Rows    int64          `json:"rows"`
	Samples int64          `json:"samples"`
	Oldest  schema.Instant `json:"oldest"` // of these, None without one
	Newest  schema.Instant `json:"newest"` // likewise
	// Bytes is an estimate, by what samples take on average.
	Bytes int64 `json:"bytes"`
}

// bytesPerSample and bytesPerNarrowSample are what samples take in the cold
// tables. (TestCost; a narrow one has a row of its own.)
const (
	bytesPerSample       = 4.7
	bytesPerNarrowSample = 16
)

const (
	// countOld has TIER for a tier's tables and entity, and SAMPLES for the
	// number of values.
	countOld        = `SELECT count(*), ifnull(SAMPLES, 0), ifnull(min(s.ts), 0), ifnull(max(s.ts), 0) TIER WHERE e.kind = ? AND s.ts < ?`
	countOldPasses  = `SELECT count(*) FROM pass WHERE started < ?`
	countOldHoles   = `SELECT count(*) FROM hole h JOIN pass p ON p.id = h.pass_id WHERE p.started < ? AND NOT h.lasting`
	narrowSampleSum = `count(*)`
)

// Prunable counts what Prune would take away with that retention. The time now
// is the local one. All that would go is read, which may take a while.
func (r *Reader) Prunable(ctx context.Context, retention Retention, now time.Time) (Prunable, error) {
	p := Prunable{Path: r.path, Kinds: []PrunableKind{}}
	at, err := clock(ctx, r.db, now)
	if err != nil {
		return p, explain(r.path, err)
	}
	cut := retention.cutoffs(at)
	for _, kind := range schema.Kinds() {
		before, limited := cut[kind]
		if !limited {
			continue
		}
		k, err := r.prunableKind(ctx, kind, before)
		if err != nil {
			return p, explain(r.path, fmt.Errorf("%v: %w", kind, err))
		}
		p.Kinds = append(p.Kinds, k)
	}
	if before := cut.everything(); before > 0 {
		if err := r.db.QueryRowContext(ctx, countOldPasses, before).Scan(&p.Passes); err != nil {
			return p, explain(r.path, err)
		}
		if err := r.db.QueryRowContext(ctx, countOldHoles, before).Scan(&p.Holes); err != nil {
			return p, explain(r.path, err)
		}
	}
	return p, nil
}

func (r *Reader) prunableKind(ctx context.Context, kind schema.Kind, before schema.Instant) (PrunableKind, error) {
	k := PrunableKind{Kind: kind, Before: before}
	for _, tier := range []tier{cold, hot} {
		for _, t := range newLayout().tables {
			if t.family == schema.Unlabelled && t.kind != kind {
				continue
			}
			counts := make([]string, len(t.metrics))
			for i, m := range t.metrics {
				counts[i] = "count(s." + m.Column() + ")"
			}
			if err := k.count(ctx, r.db, tier.from(t.name), strings.Join(counts, " + "), bytesPerSample); err != nil {
				return k, err
			}
		}
		if err := k.count(ctx, r.db, tier.from(narrowName), narrowSampleSum, bytesPerNarrowSample); err != nil {
			return k, err
		}
	}
	return k, nil
}

// count adds a table's old rows.
func (k *PrunableKind) count(ctx context.Context, db *sql.DB, from, samples string, bytes float64) error {
	query := strings.NewReplacer("TIER", from, "SAMPLES", samples).Replace(countOld)
	var rows, values int64
	var oldest, newest schema.Instant
	if err := db.QueryRowContext(ctx, query, k.Kind.String(), k.Before).Scan(&rows, &values, &oldest, &newest); err != nil {
		return err
	}
	k.Rows += rows
	k.Samples += values
	k.Bytes += int64(float64(values) * bytes)
	if rows > 0 && (k.Oldest == 0 || oldest < k.Oldest) {
		k.Oldest = oldest
	}
	k.Newest = max(k.Newest, newest)
	return nil
}

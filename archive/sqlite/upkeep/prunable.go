package upkeep

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Prunable is the result of [MeasurePrunable]: the data that [Prune] would delete.
type Prunable struct {
	Path   string          `json:"path"`
	Kinds  []PrunableKind  `json:"kinds"` // without kinds kept for ever
	Levels []PrunableLevel `json:"levels"`
	Passes int64           `json:"passes"`
	Holes  int64           `json:"holes"`
	Used   int64           `json:"used_bytes"` // of the file; [conn.Options].MaxSize limits it
	// Held is the number of samples in the archive, by the ledger. It is nil if the
	// archive was pruned before the ledger counted deleted samples.
	Held *int64 `json:"held_samples,omitempty"`
}

// PrunableKind is the data of one kind at one level, in all clusters, that would be
// deleted.
type PrunableKind struct {
	Level   archive.Level  `json:"level"`
	Kind    schema.Kind    `json:"kind"`
	Before  schema.Instant `json:"before"` // older rows are deleted
	Rows    int64          `json:"rows"`
	Samples int64          `json:"samples"` // of raw rows
	Oldest  schema.Instant `json:"oldest"`  // of the rows, None if there are none
	Newest  schema.Instant `json:"newest"`  // of the rows, None if there are none
	// Bytes is an estimate from average sizes.
	Bytes int64 `json:"bytes"`
}

// bytesPerSample and bytesPerNarrowSample are the sizes of a sample in the cold tables
// (TestCost). A narrow sample has its own row. bytesPerRollup is the size of a pod's
// hour or day.
const (
	bytesPerSample       = 4.7
	bytesPerNarrowSample = 16.
	bytesPerRollup       = 260
)

const (
	// countOld has the placeholders TABLES, a table joined with entity, and WEIGHT, an
	// aggregate.
	countOld       = `SELECT count(*), ifnull(WEIGHT, 0), ifnull(min(s.ts), 0), ifnull(max(s.ts), 0) FROM TABLES WHERE e.kind = ? AND s.ts < ?`
	countOldPasses = `SELECT count(*) FROM pass WHERE started < ?`
	countOldHoles  = `SELECT count(*) FROM hole h JOIN pass p ON p.id = h.pass_id WHERE p.started < ? AND NOT h.lasting`
)

// MeasurePrunable counts the data that [Prune] would delete with the retention, with or
// without a lake. now is the local time. It reads all that data, which may take long, of
// one state of the archive.
func MeasurePrunable(ctx context.Context, r *conn.Reader, retention archive.Retention, lake bool, now time.Time) (Prunable, error) {
	p := Prunable{Path: r.Path, Kinds: []PrunableKind{}}
	err := r.InTransaction(ctx, func(tx *sql.Tx) error { return p.measure(ctx, r, tx, retention, lake, now) })
	return p, err
}

func (p *Prunable) measure(ctx context.Context, r *conn.Reader, tx *sql.Tx, retention archive.Retention, lake bool, now time.Time) error {
	at, err := clock(ctx, tx, now)
	if err != nil {
		return err
	}
	cut := cutoffsOfRetention(retention, at, lake)
	if p.Used, err = conn.UsedBytes(ctx, tx); err != nil {
		return err
	}
	for _, level := range archive.Levels() {
		for _, kind := range schema.Kinds() {
			before, limited := cut[cutoffKey{level, kind}]
			if !limited {
				continue
			}
			k := PrunableKind{Level: level, Kind: kind, Before: before}
			if err := k.countAll(ctx, tx); err != nil {
				return fmt.Errorf("%s: %w", level.View(kind.String()), err)
			}
			p.Kinds = append(p.Kinds, k)
		}
	}
	if before := cut.ledgerCutoff(lake); before > 0 {
		err := errors.Join(
			tx.QueryRowContext(ctx, countOldPasses, before).Scan(&p.Passes),
			tx.QueryRowContext(ctx, countOldHoles, before).Scan(&p.Holes))
		if err != nil {
			return err
		}
	}
	return p.sumLevels(ctx, r, tx)
}

// countAll counts the rows of all tables.
func (k *PrunableKind) countAll(ctx context.Context, db conn.Queryer) error {
	for _, r := range tables.NewLayout().Rollups() {
		if r.Kind != 0 && r.Kind != k.Kind {
			continue
		}
		if k.Level != archive.Raw {
			if _, err := k.count(ctx, db, tables.ByEntity("entity", r.In(k.Level)), "count(*)", bytesPerRollup); err != nil {
				return err
			}
			continue
		}
		bytes := bytesPerSample
		if r.IsNarrow() {
			bytes = bytesPerNarrowSample
		}
		for _, tier := range []tables.Tier{tables.Cold, tables.Hot} {
			samples, err := k.count(ctx, db, tier.From(r.Table), "sum("+r.SamplesIn()+")", bytes)
			if err != nil {
				return err
			}
			k.Samples += samples
		}
	}
	return nil
}

// count adds a table's old rows and returns their total weight. One unit of weight takes
// the given bytes.
func (k *PrunableKind) count(ctx context.Context, db conn.Queryer, from, weight string, bytes float64) (sum int64, err error) {
	query := tables.Fill(countOld, "TABLES", from, "WEIGHT", weight)
	var rows int64
	var oldest, newest schema.Instant
	if err := db.QueryRowContext(ctx, query, k.Kind.String(), k.Before).Scan(&rows, &sum, &oldest, &newest); err != nil {
		return 0, err
	}
	k.Rows += rows
	k.Bytes += int64(float64(sum) * bytes)
	if rows > 0 && (k.Oldest == 0 || oldest < k.Oldest) {
		k.Oldest = oldest
	}
	k.Newest = max(k.Newest, newest)
	return sum, nil
}

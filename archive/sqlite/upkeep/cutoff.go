package upkeep

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/schema"
)

// cutoffs are the times before which rows are deleted. A missing key means for ever.
type cutoffs map[cutoffKey]schema.Instant

type cutoffKey struct {
	level archive.Level
	kind  schema.Kind
}

func (k cutoffKey) String() string { return k.level.View(k.kind.String()) }

// cutoffsOfRetention rounds down to whole days, or to whole hours if raw rows are kept for
// less than a week and there is no lake. Rows deleted together free whole pages, and most
// passes have nothing to delete.
func cutoffsOfRetention(r archive.Retention, now schema.Instant, lake bool) cutoffs {
	c := make(cutoffs)
	for level, kinds := range r {
		for kind, keep := range kinds {
			if keep <= 0 || now == 0 {
				continue
			}
			period := archive.Daily
			if level == archive.Raw && keep < 7*24*time.Hour && !lake {
				period = archive.Hourly
			}
			if at := period.Begin(now.Add(-max(keep, archive.LeastRetention(level)))); at > 0 {
				c[cutoffKey{level, kind}] = at
			}
		}
	}
	return c
}

// raise sets the level's cutoffs to at least the given time.
func (c cutoffs) raise(level archive.Level, at schema.Instant) {
	for _, kind := range schema.Kinds() {
		if key := (cutoffKey{level, kind}); at > c[key] {
			c[key] = at
		}
	}
}

// lower sets the level's cutoffs to at most the given time.
func (c cutoffs) lower(level archive.Level, at schema.Instant) {
	for key, cut := range c {
		switch {
		case key.level != level || cut <= at:
		case at <= 0:
			delete(c, key)
		default:
			c[key] = at
		}
	}
}

// earliest returns the earliest cutoff of all kinds at the levels, None if a kind is kept
// for ever. Records that concern all kinds are kept until then.
func (c cutoffs) earliest(levels ...archive.Level) schema.Instant {
	var first schema.Instant
	for _, level := range levels {
		for _, kind := range schema.Kinds() {
			at, limited := c[cutoffKey{level, kind}]
			if !limited {
				return 0
			}
			if first == 0 || at < first {
				first = at
			}
		}
	}
	return first
}

// progress is how far pruning to the cutoffs is. It is stored in the file, so that every
// pass can do a part.
type progress struct {
	Cutoffs map[string]int64 `json:"cutoffs"` // by level and kind, Unix seconds
	Stage   stage            `json:"stage"`
	// Last is the id of the last entity or pass that was examined.
	Last int64 `json:"last"`
	// Referred is the first pass that a conflict refers to. Only stageLedger sets it.
	Referred int64 `json:"referred,omitzero"`
	// Shipping is the day that is being written to the lake. Only stageLake sets it.
	Shipping *shipping `json:"shipping,omitempty"`
}

// stage is a step of pruning. The steps run in this order.
type stage string

const (
	stageLake     stage = "lake"     // raw rows, if there is a lake
	stageEntities stage = "entities" // with their samples and records
	stageScopes   stage = "scopes"
	stageLedger   stage = "ledger"
	stageDone     stage = "done"
)

func newProgress(c cutoffs, lake bool) progress {
	p := progress{Cutoffs: make(map[string]int64), Stage: stageEntities}
	if lake {
		p.Stage = stageLake
	}
	for key, at := range c {
		p.Cutoffs[key.String()] = int64(at)
	}
	return p
}

// loadProgress returns the stored progress, or a new one if that is for other cutoffs.
func loadProgress(ctx context.Context, db *sql.DB, c cutoffs, lake bool) (progress, error) {
	fresh := newProgress(c, lake)
	text, err := conn.Setting(ctx, db, conn.ProgressSetting)
	if err != nil {
		return progress{}, err
	}
	var stored progress
	if json.Unmarshal([]byte(text), &stored) != nil || !maps.Equal(stored.Cutoffs, fresh.Cutoffs) {
		return fresh, nil
	}
	if stored.Stage == stageLake && !lake { // it was switched off
		return fresh, nil
	}
	return stored, nil
}

func (p progress) save(in *conn.Prepared) {
	text, err := json.Marshal(p)
	in.Fail(err)
	in.Exec(conn.UpsertSetting, conn.ProgressSetting, string(text))
}

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

// cutoffs are the moments before which things go; what is kept for ever is not
// there.
type cutoffs map[cutoffKey]schema.Instant

type cutoffKey struct {
	level archive.Level
	kind  schema.Kind
}

func (k cutoffKey) String() string { return k.level.View(k.kind.String()) }

// cutoffsOfRetention rounds down to whole days, and to whole hours where less than a week
// of raw rows is kept: rows that go together empty whole pages, and a pass has
// nothing to do most of the time.
func cutoffsOfRetention(r archive.Retention, now schema.Instant) cutoffs {
	c := make(cutoffs)
	for level, kinds := range r {
		for kind, keep := range kinds {
			if keep <= 0 || now == 0 {
				continue
			}
			period := archive.Daily
			if level == archive.Raw && keep < 7*24*time.Hour {
				period = archive.Hourly
			}
			if at := period.Begin(now.Add(-max(keep, archive.LeastRetention(level)))); at > 0 {
				c[cutoffKey{level, kind}] = at
			}
		}
	}
	return c
}

// atLeast moves what is of a level up to a moment.
func (c cutoffs) atLeast(level archive.Level, at schema.Instant) {
	for _, kind := range schema.Kinds() {
		if key := (cutoffKey{level, kind}); at > c[key] {
			c[key] = at
		}
	}
}

// atMost moves what is of a level down to a moment.
func (c cutoffs) atMost(level archive.Level, at schema.Instant) {
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

// everything is the moment before which nothing at all of the levels is kept,
// None where some kind is kept for ever. What is about all kinds is kept as
// long.
func (c cutoffs) everything(levels ...archive.Level) schema.Instant {
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

// progress is how far pruning to certain cutoffs has come. It is kept in the
// file, so that every pass can do a little.
type progress struct {
	Cutoffs map[string]int64 `json:"cutoffs"` // by level and kind, Unix seconds
	Stage   stage            `json:"stage"`
	// Last is the id of the last entity, or pass, that was looked at.
	Last int64 `json:"last"`
	// Referred is the first pass that a conflict refers to, in the last stage.
	Referred int64 `json:"referred,omitzero"`
}

// stage is what a pruning is busy with; each is begun when the one before is
// done.
type stage string

const (
	stageEntities stage = "entities" // and all that is theirs
	stageScopes   stage = "scopes"
	stageLedger   stage = "ledger"
	stageDone     stage = "done"
)

func newProgress(c cutoffs) progress {
	p := progress{Cutoffs: make(map[string]int64), Stage: stageEntities}
	for key, at := range c {
		p.Cutoffs[key.String()] = int64(at)
	}
	return p
}

// loadProgress returns how far a pruning to the cutoffs has come: nowhere, if
// the last one was to others.
func loadProgress(ctx context.Context, db *sql.DB, c cutoffs) (progress, error) {
	fresh := newProgress(c)
	text, err := conn.Setting(ctx, db, conn.ProgressSetting)
	if err != nil {
		return progress{}, err
	}
	var stored progress
	if json.Unmarshal([]byte(text), &stored) != nil || !maps.Equal(stored.Cutoffs, fresh.Cutoffs) {
		return fresh, nil
	}
	return stored, nil
}

func (p progress) save(in conn.Prepared) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return in.Exec(conn.UpsertSetting, conn.ProgressSetting, string(text))
}

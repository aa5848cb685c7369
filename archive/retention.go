package archive

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"time"

	"heapstash/schema"
)

// Retention is how long samples are kept.
type Retention struct {
	// Raw is for the samples as Heapster gave them, by kind: labelled series
	// have the kind of what they belong to. They are kept for ever of a kind
	// that is not there or has zero; anything below [LeastRetention] is taken
	// for that.
	Raw map[schema.Kind]time.Duration
}

// LeastRetention is the shortest: by then, rows have moved to the cold tables,
// which alone are pruned, and Heapster has forgotten what it might show again.
const LeastRetention = 2 * time.Hour

// cutoffs are the moments before which samples go, by kind; kinds that are kept
// for ever are not there.
type cutoffs map[schema.Kind]schema.Instant

// cutoffs rounds down to whole days, and to whole hours where less than a week
// is kept: rows that go together empty whole pages, and a pass has nothing to
// do most of the time.
func (r Retention) cutoffs(now schema.Instant) cutoffs {
	c := make(cutoffs)
	for kind, keep := range r.Raw {
		if keep <= 0 || now == 0 {
			continue
		}
		step := schema.Instant(24 * 3600)
		if keep < 7*24*time.Hour {
			step = 3600
		}
		at := now.Add(-max(keep, LeastRetention))
		if at -= at % step; at > 0 {
			c[kind] = at
		}
	}
	return c
}

// everything is the moment before which nothing at all is kept, None where some
// kind is kept for ever. What is about all kinds is kept as long.
func (c cutoffs) everything() schema.Instant {
	var first schema.Instant
	for _, kind := range schema.Kinds() {
		at, limited := c[kind]
		if !limited {
			return 0
		}
		if first == 0 || at < first {
			first = at
		}
	}
	return first
}

// progress is how far pruning to certain cutoffs has come. It is kept in the
// file, so that every pass can do a little.
type progress struct {
	Cutoffs map[string]int64 `json:"cutoffs"` // by kind, Unix seconds
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
	pruneEntities stage = "entities" // and all that is theirs
	pruneScopes   stage = "scopes"
	pruneLedger   stage = "ledger"
	pruneDone     stage = "done"
)

// progressSetting is the setting that holds the progress.
const progressSetting = "prune"

func newProgress(c cutoffs) progress {
	p := progress{Cutoffs: make(map[string]int64), Stage: pruneEntities}
	for kind, at := range c {
		p.Cutoffs[kind.String()] = int64(at)
	}
	return p
}

// loadProgress returns how far a pruning to the cutoffs has come: nowhere, if
// the last one was to others.
func loadProgress(ctx context.Context, db *sql.DB, c cutoffs) (progress, error) {
	fresh := newProgress(c)
	text, err := setting(ctx, db, progressSetting)
	if err != nil {
		return progress{}, err
	}
	var stored progress
	if json.Unmarshal([]byte(text), &stored) != nil || !maps.Equal(stored.Cutoffs, fresh.Cutoffs) {
		return fresh, nil
	}
	return stored, nil
}

func (p progress) save(in prepared) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return in.exec(upsertSetting, progressSetting, string(text))
}

package upkeep

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// maxSizeSetting names the setting with the cutoffs, by level, that [conn.Options].MaxSize
// has required so far.
const maxSizeSetting = "max_size"

// sizeSteps are the deletions that make the archive smaller, in this order: step seconds
// from the oldest row of the level on, but no rows younger than keep.
var sizeSteps = []struct {
	level archive.Level
	step  schema.Instant
	keep  time.Duration
}{
	{archive.Raw, 24 * 3600, 48 * time.Hour},
	{archive.Raw, 3600, 6 * time.Hour},
	{archive.Hourly, 7 * 24 * 3600, 14 * 24 * time.Hour},
	{archive.Daily, 30 * 24 * 3600, 60 * 24 * time.Hour},
}

// selectOldest finds a table's oldest row by key, entity by entity.
const selectOldest = `SELECT min((SELECT min(ts) FROM TABLE WHERE entity_id = e.id)) FROM entity e WHERE WHOSE`

// sizeCutoffs returns the cutoffs that MaxSize has required so far, in Unix seconds.
func sizeCutoffs(ctx context.Context, s *conn.Writer) (map[archive.Level]int64, error) {
	cut := make(map[archive.Level]int64)
	if s.Options.MaxSize <= 0 {
		return cut, nil
	}
	text, err := conn.Setting(ctx, s.DB, maxSizeSetting)
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &cut)
	}
	return cut, err
}

// raiseSizeCutoff raises a cutoff if the archive is larger than [conn.Options].MaxSize,
// and reports whether it did. It does not if all rows are too young.
func raiseSizeCutoff(ctx context.Context, s *conn.Writer, now schema.Instant) (raised bool, err error) {
	if s.Options.MaxSize <= 0 {
		return false, nil
	}
	used, err := conn.UsedBytes(ctx, s.DB)
	if err != nil || used <= s.Options.MaxSize {
		return false, err
	}
	cut, err := sizeCutoffs(ctx, s)
	if err != nil {
		return false, err
	}
	for _, step := range sizeSteps {
		oldest, err := oldestRow(ctx, s, step.level)
		if err != nil {
			return false, err
		}
		until := oldest - oldest%step.step + step.step
		if oldest == 0 || until > now.Add(-step.keep) || int64(until) <= cut[step.level] {
			continue
		}
		cut[step.level] = int64(until)
		text, err := json.Marshal(cut)
		if err != nil {
			return false, err
		}
		_, err = s.DB.ExecContext(ctx, conn.UpsertSetting, maxSizeSetting, string(text))
		return err == nil, err
	}
	return false, nil
}

func oldestRow(ctx context.Context, s *conn.Writer, level archive.Level) (oldest schema.Instant, err error) {
	for _, r := range s.Rollups {
		if r.IsNarrow() {
			continue // its rows are deleted with the same cutoffs
		}
		query := tables.Fill(selectOldest, "TABLE", r.In(level), "WHOSE", r.Owners)
		var first sql.Null[schema.Instant]
		if err := s.DB.QueryRowContext(ctx, query).Scan(&first); err != nil {
			return 0, err
		}
		if first.Valid && (oldest == 0 || first.V < oldest) {
			oldest = first.V
		}
	}
	return oldest, nil
}

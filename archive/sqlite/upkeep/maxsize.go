package upkeep

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/schema"
)

// maxSizeSetting holds the moments before which things went because the archive
// was larger than [Options].MaxSize, by level.
const maxSizeSetting = "max_size"

// sizeSteps are what goes, in this order, until the archive is small enough: the
// oldest row of the level is found, and then go so many seconds from it on,
// but for what is younger than keep.
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

const (
	// selectOldest finds the oldest row at a level by key, one entity after the
	// other.
	selectOldest = `SELECT min((SELECT min(ts) FROM TABLE WHERE entity_id = e.id)) FROM entity e WHERE WHOSE`
)

// forced returns the cutoffs that the size has asked for so far.
func forced(ctx context.Context, s *conn.Writer) (map[archive.Level]schema.Instant, error) {
	text, err := conn.Setting(ctx, s.Db, maxSizeSetting)
	if err != nil || s.Options.MaxSize <= 0 {
		return nil, err
	}
	seconds := make(map[archive.Level]int64)
	if text != "" {
		if err := json.Unmarshal([]byte(text), &seconds); err != nil {
			return nil, err
		}
	}
	forced := make(map[archive.Level]schema.Instant)
	for level, at := range seconds {
		forced[level] = schema.Instant(at)
	}
	return forced, nil
}

// tighten lets more go if the archive is too large for [Options].MaxSize, and
// reports whether it did. Nothing more may go when only what is young is left.
func tighten(ctx context.Context, s *conn.Writer, now schema.Instant) (tightened bool, err error) {
	if s.Options.MaxSize <= 0 {
		return false, nil
	}
	used, err := conn.UsedBytes(ctx, s.Db)
	if err != nil || used <= s.Options.MaxSize {
		return false, err
	}
	forced, err := forced(ctx, s)
	if err != nil {
		return false, err
	}
	for _, step := range sizeSteps {
		oldest, err := oldestAt(ctx, s, step.level)
		if err != nil {
			return false, err
		}
		until := oldest - oldest%step.step + step.step
		if oldest == 0 || until > now.Add(-step.keep) || until <= forced[step.level] {
			continue
		}
		seconds := make(map[archive.Level]int64)
		for level, at := range forced {
			seconds[level] = int64(at)
		}
		seconds[step.level] = int64(until)
		text, err := json.Marshal(seconds)
		if err != nil {
			return false, err
		}
		_, err = s.Db.ExecContext(ctx, conn.UpsertSetting, maxSizeSetting, string(text))
		return err == nil, err
	}
	return false, nil
}

func oldestAt(ctx context.Context, s *conn.Writer, level archive.Level) (oldest schema.Instant, err error) {
	for _, r := range s.Rollups {
		if r.IsNarrow() {
			continue // it goes with the rest
		}
		query := strings.NewReplacer("TABLE", r.In(level), "WHOSE", r.Whose).Replace(selectOldest)
		var first sql.Null[schema.Instant]
		if err := s.Db.QueryRowContext(ctx, query).Scan(&first); err != nil {
			return 0, err
		}
		if first.Valid && (oldest == 0 || first.V < oldest) {
			oldest = first.V
		}
	}
	return oldest, nil
}

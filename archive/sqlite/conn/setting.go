package conn

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"heapstash/archive"
)

const (
	selectSetting = `SELECT value FROM setting WHERE name = ?`
	UpsertSetting = `INSERT INTO setting (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	upsertMetric = `INSERT INTO metric (name, column_name, unit, type, description) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET column_name = excluded.column_name, unit = excluded.unit,
			type = excluded.type, description = excluded.description`
	SelectViews = `SELECT name FROM sqlite_schema WHERE type = 'view'`

	SelectEntityID = `SELECT id FROM entity WHERE kind = ? AND namespace = ? AND pod = ? AND container = ?
		AND node = ? AND labels = ? AND cluster = ?`
	InsertEntity = `INSERT INTO entity (kind, namespace, pod, container, node, labels, cluster, first_seen)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`
	InsertMetric = `INSERT INTO metric (name) VALUES (?) RETURNING id`
)

// Setting returns the value of a setting of the archive, empty without one.
func Setting(ctx context.Context, db Queryer, name string) (value string, err error) {
	err = db.QueryRowContext(ctx, selectSetting, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// ProgressSetting is the setting with the progress of pruning.
const ProgressSetting = "prune"

// lakeSetting is the setting with the rows that are in the lake.
const lakeSetting = "lake"

// InLake returns which raw rows are in the lake.
func InLake(ctx context.Context, db Queryer) (all []archive.LakeSpan, err error) {
	text, err := Setting(ctx, db, lakeSetting)
	if err != nil || text == "" {
		return nil, err
	}
	return all, json.Unmarshal([]byte(text), &all)
}

// SetInLake stores which raw rows are in the lake.
func (p *Prepared) SetInLake(all []archive.LakeSpan) {
	text, err := json.Marshal(all)
	p.Fail(err)
	p.Exec(UpsertSetting, lakeSetting, string(text))
}

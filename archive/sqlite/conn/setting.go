package conn

import (
	"context"
	"database/sql"
	"errors"
)

const (
	selectSetting = `SELECT value FROM setting WHERE name = ?`
	UpsertSetting = `INSERT INTO setting (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	upsertMetric = `INSERT INTO metric (name, column_name, unit, type, description) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET column_name = excluded.column_name, unit = excluded.unit,
			type = excluded.type, description = excluded.description`
	SelectViews = `SELECT name FROM sqlite_schema WHERE type = 'view'`
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

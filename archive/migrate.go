package archive

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"heapstash/schema"
)

// applicationID marks our files in SQLite's header ("HPST").
const applicationID = 0x48505354

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the numbered scripts: the i-th makes version i+1 of
// version i.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	scripts := make([]string, len(names))
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d_", i+1); !strings.HasPrefix(name, want) {
			return nil, fmt.Errorf("migration %s: its number should be %04d", name, i+1)
		}
		script, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		scripts[i] = string(script)
	}
	return scripts, nil
}

// migrate brings the file to the newest version, each step in a transaction
// that sets user_version with it, so that an interrupted one leaves the
// version before. It then brings what the registry decides up to date.
func migrate(ctx context.Context, db *sql.DB, path string, l layout) error {
	scripts, err := migrations()
	if err != nil {
		return err
	}
	version, err := fileVersion(ctx, db, path)
	if err != nil {
		return err
	}
	for i, script := range scripts[version:] {
		version := version + i + 1
		err := inTransaction(ctx, db, func(tx *sql.Tx) error {
			// PRAGMA takes no parameters; both numbers are ours.
			_, err := tx.ExecContext(ctx, script+fmt.Sprintf(
				"PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, version))
			return err
		})
		if err != nil {
			return fmt.Errorf("migration to version %d: %w", version, err)
		}
	}
	return syncRegistry(ctx, db, l)
}

// fileVersion returns the file's version, its -wal included, or an error for
// one that this heapstash does not know.
func fileVersion(ctx context.Context, db *sql.DB, path string) (int, error) {
	scripts, err := migrations()
	if err != nil {
		return 0, err
	}
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if version > len(scripts) {
		return 0, newerArchive(path, version, len(scripts))
	}
	return version, nil
}

func newerArchive(path string, version, known int) error {
	return &Error{
		Path: path,
		Err:  fmt.Errorf("%w: it has version %d, this one knows up to %d", schema.ErrNewerArchive, version, known),
		hint: "use the heapstash that wrote it, or a later one; nothing was changed",
	}
}

const (
	selectSetting = `SELECT value FROM setting WHERE name = ?`
	upsertSetting = `INSERT INTO setting (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	upsertMetric = `INSERT INTO metric (name, column_name, unit, type, description) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET column_name = excluded.column_name, unit = excluded.unit,
			type = excluded.type, description = excluded.description`
	selectViews = `SELECT name FROM sqlite_schema WHERE type = 'view'`
)

// syncRegistry makes the metric table, the places of samples, and the views
// those of this heapstash's registry. Their fingerprint in the file tells when there is nothing to do.
func syncRegistry(ctx context.Context, db *sql.DB, l layout) error {
	const fingerprintName = "registry"
	script := viewScript(l)
	sum := sha256.New()
	fmt.Fprint(sum, script, schema.Registry())
	fingerprint := hex.EncodeToString(sum.Sum(nil))

	var stored string
	err := db.QueryRowContext(ctx, selectSetting, fingerprintName).Scan(&stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if stored == fingerprint {
		return nil
	}
	return inTransaction(ctx, db, func(tx *sql.Tx) error {
		for _, m := range schema.Registry() {
			if _, err := tx.ExecContext(ctx, upsertMetric, m.Name, m.Column(), m.Unit, m.Type, m.Description); err != nil {
				return err
			}
		}
		if err := promote(ctx, tx, l); err != nil {
			return err
		}
		views, err := column[string](ctx, tx, selectViews)
		if err != nil {
			return err
		}
		for _, view := range views {
			if _, err := tx.ExecContext(ctx, "DROP VIEW "+quoteName(view)); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, script); err != nil {
			return fmt.Errorf("views: %w", err)
		}
		_, err = tx.ExecContext(ctx, upsertSetting, fingerprintName, fingerprint)
		return err
	})
}

// quoteName makes any text a SQL identifier.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

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
	"sync"

	"heapstash/schema"
)

// applicationID marks our files in SQLite's header ("HPST").
const applicationID = 0x48505354

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is the script that makes a version of the one before.
type migration struct {
	script string
	// room is the free space that it needs, times the archive's size: for the
	// rows that it writes anew, once in the log or journal and once in the
	// file. The script's first line says it.
	room float64
}

const roomLine = "-- Free space: %g times the archive's size.\n"

// migrations returns the numbered scripts: the i-th makes version i+1 of
// version i.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	steps := make([]migration, len(names))
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d_", i+1); !strings.HasPrefix(name, want) {
			return nil, fmt.Errorf("migration %s: its number should be %04d", name, i+1)
		}
		script, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps[i].script = string(script)
		if _, err := fmt.Sscanf(steps[i].script, roomLine, &steps[i].room); err != nil {
			return nil, fmt.Errorf("migration %s: it does not begin with the free space that it needs: %w", name, err)
		}
	}
	return append(steps, trialMigrations()...), nil
}

// migrate brings the file to the newest version, and what the registry decides
// up to date, in one transaction with user_version: an interrupted one leaves
// the version before, with its views.
func migrate(ctx context.Context, db *sql.DB, path string, l layout, steps []migration) error {
	version, err := fileVersion(ctx, db, path, len(steps))
	if err != nil {
		return err
	}
	if version == len(steps) {
		stored, err := setting(ctx, db, registrySetting)
		if err != nil || stored == registryFingerprint() {
			return err
		}
	}
	views, fingerprint := viewScript(l), registryFingerprint()
	return inTransaction(ctx, db, func(tx *sql.Tx) error {
		// No table can be renamed while a view reads it.
		if err := dropViews(ctx, tx); err != nil {
			return err
		}
		for i, step := range steps[version:] {
			version := version + i + 1
			// PRAGMA takes no parameters; both numbers are ours.
			_, err := tx.ExecContext(ctx, step.script+fmt.Sprintf(
				"PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, version))
			if err != nil {
				return fmt.Errorf("migration to format %d: %w", version, err)
			}
		}
		return applyRegistry(ctx, tx, l, views, fingerprint)
	})
}

const selectVersion = `PRAGMA user_version`

// fileVersion returns the file's version, its -wal included, or an error for
// one beyond the newest that is known.
func fileVersion(ctx context.Context, db *sql.DB, path string, newest int) (int, error) {
	var version int
	if err := db.QueryRowContext(ctx, selectVersion).Scan(&version); err != nil {
		return 0, err
	}
	if version > newest {
		return 0, newerArchive(path, version, newest)
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

// registrySetting names the fingerprint of the registry that the metric table,
// the places of samples, and the views are of.
const registrySetting = "registry"

// registryFingerprint is that of our registry. Every pass asks for it, and the
// views are long.
var registryFingerprint = sync.OnceValue(func() string {
	sum := sha256.New()
	fmt.Fprint(sum, viewScript(newLayout()), schema.Registry())
	return hex.EncodeToString(sum.Sum(nil))
})

// applyRegistry makes all that those of this heapstash's registry. There are no
// views yet.
func applyRegistry(ctx context.Context, tx *sql.Tx, l layout, views, fingerprint string) error {
	for _, m := range schema.Registry() {
		if _, err := tx.ExecContext(ctx, upsertMetric, m.Name, m.Column(), m.Unit, m.Type, m.Meaning()); err != nil {
			return err
		}
	}
	if err := promote(ctx, tx, l); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, views); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	_, err := tx.ExecContext(ctx, upsertSetting, registrySetting, fingerprint)
	return err
}

func dropViews(ctx context.Context, tx *sql.Tx) error {
	views, err := column[string](ctx, tx, selectViews)
	if err != nil {
		return err
	}
	for _, view := range views {
		if _, err := tx.ExecContext(ctx, "DROP VIEW "+quoteName(view)); err != nil {
			return err
		}
	}
	return nil
}

// setting reads what the archive keeps about itself, empty if it does not.
func setting(ctx context.Context, db queryer, name string) (value string, err error) {
	err = db.QueryRowContext(ctx, selectSetting, name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, err
}

// quoteName makes any text a SQL identifier.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

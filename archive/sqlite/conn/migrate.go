package conn

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

const UpsertCompaction = `INSERT INTO compaction (table_name, ts) VALUES (?, ?)
	ON CONFLICT (table_name) DO UPDATE SET ts = excluded.ts`

// InMemory creates the tables of an archive of that version, at most the newest
// known one, in memory.
func InMemory(ctx context.Context, version int) (*sql.DB, error) {
	steps, err := Migrations()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	for _, step := range steps[:min(version, len(steps))] {
		if _, err := db.ExecContext(ctx, step.Script); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Step is a migration: the script that turns a version into the next one.
type Step struct {
	Script string
	// Room is the free space that it needs, as a multiple of the archive's size:
	// a row that is rewritten takes space in the log or journal, and in the file.
	// It stands in the script's first line.
	Room float64
}

const roomLine = "-- Free space: %g times the archive's size.\n"

// Migrations returns all migrations: the one at index i turns version i into
// version i+1.
func Migrations() ([]Step, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(names))
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d_", i+1); !strings.HasPrefix(name, want) {
			return nil, fmt.Errorf("migration %s: its number should be %04d", name, i+1)
		}
		script, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps[i].Script = string(script)
		if _, err := fmt.Sscanf(steps[i].Script, roomLine, &steps[i].Room); err != nil {
			return nil, fmt.Errorf("migration %s: it does not begin with the free space that it needs: %w", name, err)
		}
	}
	return append(steps, trialMigrations()...), nil
}

// Migrate brings the file to the newest version, and creates what the registry
// decides, in one transaction with user_version. If it is interrupted, the old
// version stays, with its views.
func Migrate(ctx context.Context, db *sql.DB, path string, steps []Step) error {
	version, err := FileVersion(ctx, db, path, len(steps))
	if err != nil {
		return err
	}
	if version == len(steps) {
		stored, err := Setting(ctx, db, tables.RegistrySetting)
		if err != nil || stored == tables.RegistryFingerprint() {
			return err
		}
	}
	return InTransaction(ctx, db, func(tx *sql.Tx) error {
		// No table can be renamed while a view reads it.
		if err := dropViews(ctx, tx); err != nil {
			return err
		}
		for i, step := range steps[version:] {
			version := version + i + 1
			// PRAGMA takes no parameters; both numbers are ours.
			_, err := tx.ExecContext(ctx, step.Script+fmt.Sprintf(
				"PRAGMA application_id = %d; PRAGMA user_version = %d;", dbfile.ApplicationID, version))
			if err != nil {
				return fmt.Errorf("migration to format %d: %w", version, err)
			}
		}
		return applyRegistry(ctx, tx)
	})
}

const SelectVersion = `PRAGMA user_version`

// FileVersion returns the version of the file and its -wal, or an error if it is
// beyond the newest.
func FileVersion(ctx context.Context, db *sql.DB, path string, newest int) (int, error) {
	var version int
	if err := db.QueryRowContext(ctx, SelectVersion).Scan(&version); err != nil {
		return 0, err
	}
	if version > newest {
		return 0, dbfile.NewerArchive(path, version, newest)
	}
	return version, nil
}

// applyRegistry describes the metrics and creates the views, of which there are
// none yet, by this heapstash's registry.
func applyRegistry(ctx context.Context, tx *sql.Tx) error {
	for _, m := range schema.Registry() {
		if _, err := tx.ExecContext(ctx, upsertMetric, m.Name, m.Column(), m.Unit, m.Type, m.Meaning()); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, tables.ViewScript(tables.NewLayout())); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	_, err := tx.ExecContext(ctx, UpsertSetting, tables.RegistrySetting, tables.RegistryFingerprint())
	return err
}

func dropViews(ctx context.Context, tx *sql.Tx) error {
	views, err := Column[string](ctx, tx, SelectViews)
	if err != nil {
		return err
	}
	for _, view := range views {
		if _, err := tx.ExecContext(ctx, "DROP VIEW "+tables.QuoteName(view)); err != nil {
			return err
		}
	}
	return nil
}

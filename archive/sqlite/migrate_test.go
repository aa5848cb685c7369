package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
)

// known are the migrations that this heapstash has.
func known(t *testing.T) []conn.Step {
	t.Helper()
	steps, err := conn.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestPartialMigration: a creation that dies leaves no file that looks like an
// archive, and the next one clears its draft away.
func TestPartialMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := conn.Create(ctx, path, dbfile.DefaultMode, known(t)); !errors.Is(err, context.Canceled) {
		t.Fatalf("create under a cancelled context: %v", err)
	}
	if exists, err := conn.Inspect(path); exists || err != nil {
		t.Fatalf("after it: %v, %v", exists, err)
	}
	db, err := conn.OpenDB(path+".new", "rwc", url.Values{}) // as kill -9 would leave it
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE entity (half)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, known(t)); err != nil {
		t.Fatal(err)
	}
	if exists, err := conn.Inspect(path); !exists || err != nil {
		t.Fatalf("after the next: %v, %v", exists, err)
	}
}

// TestFutureVersion: a file whose version only its -wal shows to be newer is
// refused too.
func TestFutureVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, known(t)); err != nil {
		t.Fatal(err)
	}
	db, err := conn.OpenDB(path, "rw", url.Values{"_journal_mode": {"WAL"}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // until then its version is in the -wal file alone
	if _, err := db.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, conn.Options{}); !errors.Is(err, archive.ErrNewerArchive) {
		t.Errorf("Open: %v", err)
	}
	if _, err := conn.OpenReader(t.Context(), path); !errors.Is(err, archive.ErrNewerArchive) {
		t.Errorf("OpenReader: %v", err)
	}
}

// TestRegistryIsSynchronized: views and descriptions of another heapstash's
// registry give way to ours, and nothing is rewritten when they are the same.
func TestRegistryIsSynchronized(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, known(t)); err != nil {
		t.Fatal(err)
	}
	version := func() (n int) {
		db, err := conn.OpenDB(path, "rw", url.Values{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := conn.Migrate(t.Context(), db, path, known(t)); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow("PRAGMA schema_version").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if before, after := version(), version(); before != after {
		t.Errorf("schema_version went from %d to %d with the same registry", before, after)
	}
	db, err := conn.OpenDB(path, "rw", url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`UPDATE setting SET value = 'another'; DROP VIEW pod; CREATE VIEW retired AS SELECT 1;
		UPDATE metric SET unit = 'furlongs' WHERE name = 'uptime'`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	version()
	r, err := conn.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var unit string
	if err := r.DB.QueryRow("SELECT unit FROM metrics WHERE name = 'uptime'").Scan(&unit); err != nil || unit != "ms" {
		t.Errorf("unit of uptime: %q, %v", unit, err)
	}
	var name string
	if err := r.DB.QueryRow("SELECT name FROM sqlite_schema WHERE name = 'retired'").Scan(&name); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the other heapstash's view is still there: %v", err)
	}
}

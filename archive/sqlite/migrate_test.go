package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/tables"
	"heapstash/archive/sqlite/upkeep"
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
	if err := conn.Create(ctx, path, dbfile.DefaultMode, tables.NewLayout(), known(t)); !errors.Is(err, context.Canceled) {
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
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, tables.NewLayout(), known(t)); err != nil {
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
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, tables.NewLayout(), known(t)); err != nil {
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
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, tables.NewLayout(), known(t)); err != nil {
		t.Fatal(err)
	}
	version := func() (n int) {
		db, err := conn.OpenDB(path, "rw", url.Values{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := conn.Migrate(t.Context(), db, path, tables.NewLayout(), known(t)); err != nil {
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
	if err := r.Db.QueryRow("SELECT unit FROM metrics WHERE name = 'uptime'").Scan(&unit); err != nil || unit != "ms" {
		t.Errorf("unit of uptime: %q, %v", unit, err)
	}
	var name string
	if err := r.Db.QueryRow("SELECT name FROM sqlite_schema WHERE name = 'retired'").Scan(&name); !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("the other heapstash's view is still there: %v", err)
	}
}

// TestMetricGainsAColumn: what an older heapstash kept in the narrow tables,
// for want of a column, moves to the column that this one has.
func TestMetricGainsAColumn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := conn.Create(t.Context(), path, dbfile.DefaultMode, tables.NewLayout(), known(t)); err != nil {
		t.Fatal(err)
	}
	db, err := conn.OpenDB(path, "rw", url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(`
		INSERT INTO entity (id, cluster, kind, namespace, pod, container, node, labels, first_seen) VALUES
			(1, 'default', 'pod', 'shop', 'web-0', '', '', '', 0), (2, 'default', 'namespace', 'shop', '', '', '', '', 0);
		INSERT INTO compaction VALUES ('pod', 100), ('narrow', 200);
		INSERT INTO pod_cold (entity_id, ts, memory_usage) VALUES (1, 100, 5);
		INSERT INTO pod_hot (ts, entity_id, memory_usage, memory_rss) VALUES (300, 1, 6, 7);
		INSERT INTO narrow_cold (entity_id, metric_id, ts, value)
			SELECT e.column1, m.id, t.column1, t.column1 + 0.5 FROM metric m, (VALUES (1), (2)) e, (VALUES (50), (100), (200)) t
			WHERE m.name = 'memory/rss';
		INSERT INTO narrow_hot (ts, entity_id, metric_id, value) SELECT 300, 1, id, 9 FROM metric WHERE name = 'memory/rss';
		INSERT INTO carried SELECT 1, id FROM metric WHERE name IN ('memory/rss', 'cpu/load');
		INSERT INTO narrow_hour (entity_id, metric_id, ts, samples, value_min, value_increase, value_last)
			SELECT e.column1, m.id, h.column1, 2, 1.5, 0, 1.5 FROM metric m, (VALUES (1), (2)) e, (VALUES (0), (7200)) h WHERE m.name = 'memory/rss';
		INSERT INTO narrow_day (entity_id, metric_id, ts, samples, value_min, value_increase, value_last)
			SELECT 1, id, d.column1, 2, 1.5, 0, 1.5 FROM metric, (VALUES (0), (86400)) d WHERE name = 'memory/rss';
		UPDATE setting SET value = 'of an older heapstash'`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := upkeep.CompactSome(t.Context(), s.Writer, 40*3600); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		// Hours and days whose samples were pruned stay where they are.
		"SELECT kind || ' ' || ts || ' ' || samples || ' ' || max || ' ' || ifnull(increase, '-') FROM samples_hourly WHERE metric = 'memory/rss' ORDER BY kind, ts": {
			"namespace 0 2 1.5 0", "namespace 7200 2 1.5 0", "pod 0 4 200.5 -", "pod 7200 2 1.5 0"},
		"SELECT ts || ' ' || samples || ' ' || max || ' ' || ifnull(increase, '-') FROM samples_daily WHERE kind = 'pod' AND metric = 'memory/rss' ORDER BY ts": {
			"0 4 200.5 -", "86400 2 1.5 0"},
		"SELECT ts || ' ' || ifnull(memory_usage, '-') || ' ' || memory_rss FROM pod_cold ORDER BY ts": {"50 - 50.5", "100 5 100.5", "200 - 200.5", "300 6 7"},
		"SELECT kind || ' ' || ts FROM samples WHERE metric = 'memory/rss' ORDER BY kind, ts": {
			"namespace 50", "namespace 100", "namespace 200", "pod 50", "pod 100", "pod 200", "pod 300"},
		"SELECT m.name FROM carried c JOIN metric m ON m.id = c.metric_id": {"cpu/load"},
	} {
		if got, err := conn.Column[string](t.Context(), s.Db, query); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", query, got, err, want)
		}
	}
}

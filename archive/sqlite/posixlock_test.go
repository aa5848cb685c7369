package sqlite

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite/check"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/read"
	"heapstash/archive/sqlite/upkeep"
	"heapstash/internal/need"
)

// TestReadersKeepTheirLocks: whatever else this process does with the archive, another
// process may not take the file or its log from a reader.
func TestReadersKeepTheirLocks(t *testing.T) {
	for _, journal := range []struct {
		name string
		disk uint32
		take string // needs the file for itself
	}{
		{"log", ext4, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; SELECT count(*) FROM pass"},
		{"rollback journal", nfs, "BEGIN EXCLUSIVE; SELECT count(*) FROM pass"},
	} {
		t.Run(journal.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			s := openOn(t, path, journal.disk)
			podsAt(t, s, 1_506_513_600, 3)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			reader, err := conn.OpenReader(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			tx, err := reader.DB.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			if err := tx.QueryRow("SELECT count(*) FROM pass").Scan(new(int)); err != nil {
				t.Fatal(err)
			}
			take := func() string {
				shell := exec.Command(need.Program(t, "sqlite3"), path, journal.take)
				out, _ := shell.CombinedOutput() // its text says what failed
				return string(out)
			}
			for _, act := range []struct {
				name string
				do   func() error
			}{
				{"nothing", func() error { return nil }},
				{"header", func() error { _, err := conn.Inspect(path); return err }},
				{"another reader", func() error {
					r, err := conn.OpenReader(t.Context(), path)
					if err != nil {
						return err
					}
					return r.Close()
				}},
				{"usage", func() error { _, err := read.Usage(t.Context(), reader); return err }},
				{"prunable", func() error {
					_, err := upkeep.MeasurePrunable(t.Context(), reader, nil, false, time.Now())
					return err
				}},
				{"examination", func() error { _, err := read.Examine(t.Context(), path, "default"); return err }},
				{"check", func() error { _, err := check.Run(t.Context(), reader, check.Options{Quick: true}); return err }},
				{"snapshot", func() error {
					_, err := TakeSnapshot(t.Context(), path, filepath.Join(t.TempDir(), "b.db"), SnapshotOptions{})
					return err
				}},
			} {
				if err := act.do(); err != nil {
					t.Fatalf("%s: %v", act.name, err)
				}
				if out := take(); !strings.Contains(out, "database is locked") {
					t.Fatalf("after %s, another process took the file from the reader: %s", act.name, out)
				}
			}
			if err := tx.Rollback(); err != nil {
				t.Error(err)
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			if out := take(); strings.Contains(out, "locked") {
				t.Errorf("after the last reader has closed it: %s", out)
			}
		})
	}
}

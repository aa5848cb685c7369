package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"heapstash/archive"
	"heapstash/archive/sqlite"
	"heapstash/internal/need"
	"heapstash/schema"
)

// open opens an archive for the length of the test.
func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "a.db") }

// write begins a pass and writes the rows.
func write(t *testing.T, s *sqlite.Store, rows ...schema.Row) archive.Written {
	t.Helper()
	written, err := s.Write(t.Context(), archive.Batch{Pass: begin(t, s), Cluster: "default", Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func begin(t *testing.T, s *sqlite.Store) archive.PassID {
	t.Helper()
	id, err := s.BeginPass(t.Context(), archive.Pass{Cluster: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// stock runs a statement in the sqlite3 shell, as a user would: nothing of
// what it says comes through this package.
func stock(t *testing.T, path, statement string) string {
	t.Helper()
	out, err := exec.Command(need.Program(t, "sqlite3"), "-readonly", path, statement).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestOpenCreatesAnArchiveThatStockSQLiteReads(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	write(t, s, schema.Row{
		Entity: schema.PodEntity("kube-system", "etcd-cluster00"), At: 1506496140,
		Readings: []schema.Reading{reading("uptime", 13986309)},
	})
	got := stock(t, path, "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, time, value FROM samples")
	want := "default|pod|kube-system|etcd-cluster00||||uptime|1506496140|2017-09-27T07:09:00Z|13986309"
	if got != want {
		t.Errorf("samples:\n got %s\nwant %s", got, want)
	}
	if got := stock(t, path, "SELECT uptime, memory_usage IS NULL FROM pod"); got != "13986309|1" {
		t.Errorf("pod: %s", got)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	foreign := func(t *testing.T, path, script string) {
		t.Helper()
		db, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(script); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		make func(t *testing.T, path string)
		want error
	}{
		"text file": {func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("to do: buy milk\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, archive.ErrNotArchive},
		"directory": {func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, archive.ErrNotArchive},
		"foreign SQLite file": {func(t *testing.T, path string) {
			foreign(t, path, "CREATE TABLE accounts (id INTEGER PRIMARY KEY)")
		}, archive.ErrNotArchive},
		"future version": {func(t *testing.T, path string) {
			foreign(t, path, "CREATE TABLE t (x); PRAGMA application_id = 0x48505354; PRAGMA user_version = 999")
		}, archive.ErrNewerArchive},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			test.make(t, path)
			before := snapshot(t, filepath.Dir(path))
			_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
			if !errors.Is(err, test.want) {
				t.Errorf("Open: %v", err)
			}
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) || hinted.Hint() == "" {
				t.Error("the error has no hint")
			}
			if _, err := sqlite.OpenReader(t.Context(), path); !errors.Is(err, test.want) {
				t.Errorf("OpenReader: %v", err)
			}
			if after := snapshot(t, filepath.Dir(path)); after != before {
				t.Errorf("on disk before:\n%s\nafter:\n%s", before, after)
			}
		})
	}
}

// snapshot spells out a directory's files with their contents.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b.WriteString(e.Name() + "\n")
		if e.Type().IsRegular() {
			content, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			b.Write(content)
		}
	}
	return b.String()
}

func TestOpenReaderWithoutAnArchive(t *testing.T) {
	path := newPath(t)
	if _, err := sqlite.OpenReader(t.Context(), path); !errors.Is(err, archive.ErrNoArchive) {
		t.Errorf("missing file: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenReader(t.Context(), path); !errors.Is(err, archive.ErrNoArchive) {
		t.Errorf("empty file: %v", err)
	}
	open(t, path) // an empty file, as mktemp leaves it, becomes an archive
}

func TestReaderCannotWrite(t *testing.T) {
	path := newPath(t)
	open(t, path)
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, statement := range []string{"DELETE FROM metric", "CREATE TABLE t (x)", "PRAGMA user_version = 7"} {
		rows, err := r.Query(t.Context(), statement)
		if err == nil {
			for rows.Next() {
			}
			err = errors.Join(rows.Err(), rows.Close())
		}
		if err == nil {
			t.Errorf("%s: no error", statement)
		}
	}
	if got := stock(t, path, "SELECT count(*) > 50 FROM metric; PRAGMA user_version"); got != "1\n1" {
		t.Errorf("after: %s", got)
	}
}

func TestLockKeepsASecondWriterOut(t *testing.T) {
	path := newPath(t)
	first := open(t, path)
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if !errors.Is(err, archive.ErrLocked) {
		t.Fatalf("second writer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sqlite.Open(ctx, path, sqlite.Options{LockWait: 1 << 40}); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting, cancelled: %v", err)
	}
	opened := make(chan error)
	go func() {
		s, err := sqlite.Open(context.WithoutCancel(t.Context()), path, sqlite.Options{LockWait: 1 << 40})
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("waiting writer: %v", err)
	}
}

// shell runs a script in the sqlite3 shell, which may write.
func shell(t *testing.T, path, script string) {
	t.Helper()
	if out, err := exec.Command(need.Program(t, "sqlite3"), path, script).CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
}

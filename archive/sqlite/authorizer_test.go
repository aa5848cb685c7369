package sqlite_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heapstash/archive/sqlite"
	"heapstash/schema"
)

// ask runs a statement to its end.
func ask(ctx context.Context, r *sqlite.Reader, statement string) (rows int, err error) {
	result, err := r.Query(ctx, statement)
	if err != nil {
		return 0, err
	}
	defer result.Close()
	for result.Next() {
		rows++
	}
	return rows, r.WithRemedy(result.Err())
}

// Whatever a reader is asked, nothing changes: not the archive, not another
// file, not the connection.
func TestReaderOnlyReads(t *testing.T) {
	path := newPath(t)
	s := open(t, path)
	defer s.Close() // so that there is something in the -wal file, where writes would go
	write(t, s, row(web0, noon, reading("memory/usage", 1)))
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	other := filepath.Join(filepath.Dir(path), "other.db")
	before := filesIn(t, filepath.Dir(path))
	for statement, what := range map[string]string{
		"ATTACH '" + other + "' AS other":         "ATTACH",
		"ATTACH ':memory:' AS other":              "ATTACH",
		"DETACH main":                             "DETACH",
		"VACUUM":                                  "",
		"VACUUM INTO '" + other + "'":             "",
		"DELETE FROM metric":                      "what would write",
		"INSERT INTO metric (name) VALUES ('x')":  "what would write",
		"UPDATE metric SET name = 'x'":            "what would write",
		"REPLACE INTO metric (name) VALUES ('x')": "what would write",
		"WITH x AS (SELECT 1) DELETE FROM metric": "what would write",
		"DROP TABLE metric":                       "what would write",
		"ALTER TABLE metric RENAME TO m":          "",
		"CREATE TABLE t (x)":                      "what would write",
		"CREATE TEMP TABLE t (x)":                 "what would write",
		"CREATE TEMP VIEW v AS SELECT 1":          "what would write",
		"CREATE TEMP TRIGGER t AFTER INSERT ON pass BEGIN SELECT 1; END": "what would write",
		"CREATE VIRTUAL TABLE t USING fts4(x)":                           "what would write",
		"CREATE INDEX i ON metric (unit)":                                "what would write",
		"REINDEX":                                                        "what would write",
		"ANALYZE":                                                        "what would write",
		"SAVEPOINT s":                                                    "SAVEPOINT",
		"PRAGMA user_version = 7":                                        "PRAGMA user_version",
		"PRAGMA query_only = 0":                                          "PRAGMA query_only",
		"PRAGMA writable_schema = 1":                                     "PRAGMA writable_schema",
		"PRAGMA journal_mode = DELETE":                                   "PRAGMA journal_mode",
		"PRAGMA wal_checkpoint(TRUNCATE)":                                "PRAGMA wal_checkpoint",
		"PRAGMA temp_store_directory = '/tmp'":                           "PRAGMA temp_store_directory",
		"PRAGMA hard_heap_limit = 0":                                     "PRAGMA hard_heap_limit",
		"PRAGMA incremental_vacuum":                                      "PRAGMA incremental_vacuum",
		"PRAGMA optimize":                                                "PRAGMA optimize",
		"PRAGMA shrink_memory":                                           "PRAGMA shrink_memory",
		"SELECT load_extension('/lib/x.so')":                             "",
		"SELECT fts3_tokenizer('simple')":                                "",
		"SELECT readfile('/etc/passwd')":                                 "",
		"SELECT writefile('" + other + "', 'x')":                         "",
		"SELECT edit('x')":                                               "",
	} {
		_, err := ask(t.Context(), r, statement)
		if err == nil {
			t.Errorf("%s: no error", statement)
		} else if what != "" && (!strings.Contains(err.Error(), what+" is refused") || schema.HintOf(err) == "") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if after := filesIn(t, filepath.Dir(path)); after != before {
		t.Errorf("files changed: %v, before %v", after, before)
	}
	write(t, s, row(web0, noon+60, reading("memory/usage", 1)))
	if after := filesIn(t, filepath.Dir(path)); after == before {
		t.Error("a write does not show in the files that are compared")
	}
	for _, statement := range []string{
		"SELECT * FROM samples", "SELECT * FROM gaps", "PRAGMA user_version", "PRAGMA table_info(pod_hot)", "PRAGMA integrity_check",
		"SELECT count(*) FROM pragma_table_info('pod_hot')", "EXPLAIN QUERY PLAN SELECT * FROM pod", "VALUES (1)",
		"SELECT value FROM json_each('[1,2]')", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5) SELECT i FROM n",
		"SELECT name FROM sqlite_schema WHERE type = 'view'", "SELECT strftime('%s', 'now'), hex(zeroblob(1000000))",
	} {
		if _, err := ask(t.Context(), r, statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

// filesIn is the names and the contents of a directory's files, but for the
// -shm file, in which readers take their turns.
func filesIn(t *testing.T, directory string) [32]byte {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(directory, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write([]byte(e.Name()))
		sum.Write(text)
	}
	return [32]byte(sum.Sum(nil))
}

// A question does not get all of the machine's memory, and ends with its
// context.
func TestReaderIsBounded(t *testing.T) {
	path := newPath(t)
	open(t, path).Close()
	r, err := sqlite.OpenReader(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wide := "SELECT zeroblob(32000000)" + strings.Repeat(", zeroblob(32000000)", 40)
	for statement, message := range map[string]string{
		"SELECT zeroblob(1000000000)":                                  "too big",
		"SELECT length(replace(hex(zeroblob(15000000)), '0', '00'))":   "too big",
		"SELECT printf('%.*c', 1000000000, 'x')":                       "",
		"SELECT 1 WHERE 'x' LIKE '" + strings.Repeat("%x", 2000) + "'": "too complex",
		"SELECT 1 --" + strings.Repeat(" ", 2<<20):                     "too long",
		"SELECT * FROM (" + wide + ")":                                 "out of memory",
	} {
		rows, err := ask(t.Context(), r, statement)
		if message == "" {
			continue // SQLite gives NULL
		}
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%.80s: %d rows, %v", statement, rows, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = ask(ctx, r, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")
	if !errors.Is(err, context.DeadlineExceeded) && (err == nil || !strings.Contains(err.Error(), "interrupted")) {
		t.Errorf("without end: %v", err)
	}
	if _, err := ask(t.Context(), r, "SELECT 1"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

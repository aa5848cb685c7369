package sqlite

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/archive/sqlite/pages"
)

// TestLogBelongsToItsFile: whatever programs do to a file, in whatever order,
// its log or journal is never taken for another's, and that of a state of
// several transactions ago, or to come, is.
func TestLogBelongsToItsFile(t *testing.T) {
	for _, mode := range []string{"WAL", "TRUNCATE"} {
		t.Run(mode, func(t *testing.T) {
			for seed := range uint64(6) {
				logsOf(t, mode, rand.New(rand.NewPCG(seed, 7)))
			}
		})
	}
}

func logsOf(t *testing.T, mode string, random *rand.Rand) {
	path := filepath.Join(t.TempDir(), "any.db")
	var conns []*sql.DB
	connect := func() {
		db, err := conn.OpenDB(path, "rwc", url.Values{"_journal_mode": {mode}, "_auto_vacuum": {"incremental"}, "_busy_timeout": {"5"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec("PRAGMA cache_size = 5; PRAGMA wal_autocheckpoint = 20; CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, x)"); err != nil && !conn.IsBusy(err) {
			t.Fatal(err)
		}
		conns = append(conns, db)
	}
	connect()
	connect()
	defer func() {
		for _, db := range conns {
			db.Close()
		}
	}()
	statements := []string{
		"INSERT INTO t (x) SELECT randomblob(900) FROM (SELECT 1 UNION SELECT 2 UNION SELECT 3)",
		"INSERT INTO t (x) WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) SELECT randomblob(900) FROM n",
		"UPDATE t SET x = randomblob(900) WHERE id % 7 = 0", "DELETE FROM t WHERE id % 5 = 0", "DELETE FROM t",
		"PRAGMA incremental_vacuum", "VACUUM", "PRAGMA user_version = 3", "REINDEX",
		"PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(RESTART)", "PRAGMA wal_checkpoint(TRUNCATE)",
		"CREATE INDEX IF NOT EXISTS ix ON t (x)", "DROP INDEX IF EXISTS ix",
		"PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = WAL",
	}
	type state struct {
		main, log, journal []byte
		counter            uint32
	}
	var states []state
	read := func(path string) []byte {
		content, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		return content
	}
	look := func(what string) {
		s := state{read(path), read(path + dbfile.WriteAheadLog), read(path + dbfile.RollbackJournal), 0}
		if len(s.main) < 100 {
			return
		}
		s.counter = binary.BigEndian.Uint32(s.main[24:])
		states = append(states, s)
		beside(t, s.main, s.log, s.journal, true, what)
	}
	for range 60 {
		db := conns[random.IntN(len(conns))]
		switch random.IntN(8) {
		case 0: // another connection
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			conns = slices.DeleteFunc(conns, func(other *sql.DB) bool { return other == db })
			connect()
		case 1: // half of a transaction
			tx, err := db.Begin()
			if conn.IsBusy(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				statement := statements[random.IntN(5)]
				if _, err := tx.Exec(statement); err != nil && !conn.IsBusy(err) {
					t.Fatal(err)
				}
				look("in a transaction: " + statement)
			}
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
			look("taken back")
		default:
			statement := statements[random.IntN(len(statements))]
			if _, err := db.Exec(statement); err != nil && !conn.IsBusy(err) {
				t.Fatalf("%s: %v", statement, err)
			}
			look(statement)
		}
	}
	// Of others it is told that they are, by page 1, which nearly all have.
	told, mixed := 0, 0
	for range 100 {
		a, b := states[random.IntN(len(states))], states[random.IntN(len(states))]
		if d := int64(a.counter) - int64(b.counter); d > -20 && d < 20 || len(b.log) < 4096 || mode != "WAL" {
			continue
		}
		mixed++
		if !beside(t, a.main, b.log, nil, false, "") {
			told++
		}
	}
	if mixed > 0 && told == 0 {
		t.Errorf("of %d logs of other states none is told", mixed)
	}
}

// beside puts a file and a log or journal together, and reports whether they
// are taken to belong to one another, which they must if so.
func beside(t *testing.T, main, log, journal []byte, must bool, what string) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	for suffix, content := range map[string][]byte{"": main, dbfile.WriteAheadLog: log, dbfile.RollbackJournal: journal} {
		if len(content) == 0 {
			continue
		}
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logs, err := pages.LogBelongs(path)
	if err != nil {
		t.Fatal(err)
	}
	journals, err := pages.JournalBelongs(path)
	if err != nil {
		t.Fatal(err)
	}
	if must && !(logs && journals) {
		t.Errorf("after %s: the log is the file's: %t, the journal: %t", what, logs, journals)
	}
	return logs && journals
}

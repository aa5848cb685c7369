package strict_test

import (
	"database/sql"
	"strings"
	"testing"

	_ "heapstash/archive/sqlite/strict"
)

func TestDoubleQuotesAreNames(t *testing.T) {
	db, err := sql.Open("sqlite3", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE t (a); INSERT INTO t VALUES (7)`); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`SELECT avg("b") FROM t`,                // DML
		`UPDATE t SET a = "b"`,                  //
		`CREATE INDEX i ON t (a) WHERE a > "b"`, // DDL
		`CREATE TABLE u (a CHECK (a <> "b"))`,   //
	} {
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "no such column") {
			t.Errorf("%s: %v, want no such column", statement, err)
		}
	}
	var a int
	if err := db.QueryRow(`SELECT "a" FROM "t" WHERE a <> 'b'`).Scan(&a); err != nil || a != 7 {
		t.Errorf("a column in double quotes: %d, %v", a, err)
	}
}

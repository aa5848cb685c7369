package conn

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"

	"heapstash/archive/sqlite/dbfile"
)

// Limits of one query. SQLite's own are 1 GB for a text, and none for memory.
const (
	longestValue     = 32 << 20 // of a text or a blob, and of a row
	longestStatement = 1 << 20
	longestPattern   = 1000 // of LIKE and GLOB, whose time grows with it
	heapLimit        = "PRAGMA hard_heap_limit = 536870912"
)

// distrust makes SQLite verify the lengths in a page, which may be damaged.
const distrust = "PRAGMA cell_size_check = 1"

// readerConnector opens connections that can only read: no ATTACH, which would
// open other files, no temporary tables, no pragma that sets anything, no function
// that loads code.
//
// The file is opened read-only, and query_only is set. The connector refuses what
// these two allow, before it runs.
type readerConnector struct {
	connector
	refused atomic.Pointer[string] // what was refused last, for messages
}

func newReaderConnector(file string, pragmas url.Values) *readerConnector {
	c := new(readerConnector)
	c.connector = newConnector(file, "ro", pragmas, c.confine)
	return c
}

func (c *readerConnector) confine(conn *sqlite3.SQLiteConn) error {
	for _, pragma := range []string{heapLimit, distrust} {
		if _, err := conn.Exec(pragma, nil); err != nil {
			return err
		}
	}
	for limit, most := range map[int]int{
		sqlite3.SQLITE_LIMIT_LENGTH:              longestValue,
		sqlite3.SQLITE_LIMIT_SQL_LENGTH:          longestStatement,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: longestPattern,
		sqlite3.SQLITE_LIMIT_ATTACHED:            0,
		sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH:       1,
		sqlite3.SQLITE_LIMIT_WORKER_THREADS:      0,
	} {
		conn.SetLimit(limit, most)
	}
	if err := registerQuantiles(conn); err != nil {
		return err
	}
	conn.RegisterAuthorizer(c.authorize)
	return nil
}

// authorize is called while a statement is prepared, for each of its actions. The
// meaning of first and second depends on the action:
// https://www.sqlite.org/c3ref/c_alter_table.html
func (c *readerConnector) authorize(action int, first, second, _ string) int {
	const recursive = 33 // SQLITE_RECURSIVE, which go-sqlite3 does not name
	what := actions[action]
	switch action {
	case sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_TRANSACTION, recursive:
		return sqlite3.SQLITE_OK
	case sqlite3.SQLITE_FUNCTION:
		if !slices.Contains(HarmfulFunctions, strings.ToLower(second)) {
			return sqlite3.SQLITE_OK
		}
		what = "the function " + second
	case sqlite3.SQLITE_PRAGMA:
		name := strings.ToLower(first)
		if slices.Contains(asking, name) || second == "" && slices.Contains(telling, name) {
			return sqlite3.SQLITE_OK
		}
		what = "PRAGMA " + first
	}
	if what == "" {
		what = "what would write"
	}
	c.refused.Store(&what)
	return sqlite3.SQLITE_DENY
}

// actions are the names of refused actions that do not write.
var actions = map[int]string{
	sqlite3.SQLITE_ATTACH:    "ATTACH",
	sqlite3.SQLITE_DETACH:    "DETACH",
	sqlite3.SQLITE_SAVEPOINT: "SAVEPOINT",
}

// HarmfulFunctions reach outside the archive, if they are compiled in.
var HarmfulFunctions = []string{"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"}

// asking are the pragmas whose argument changes nothing; telling are those that
// change nothing without an argument.
var (
	asking = []string{
		"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list",
		"integrity_check", "quick_check", "foreign_key_check",
	}
	telling = []string{
		"application_id", "auto_vacuum", "collation_list", "compile_options", "data_version", "database_list", "encoding",
		"freelist_count", "function_list", "journal_mode", "module_list", "page_count", "page_size", "pragma_list",
		"query_only", "schema_version", "user_version",
	}
)

// WithRemedy adds to an error of a statement, or of its rows, what was refused and
// what to do about it. [Reader.Query] has done so with its own errors.
func (r *Reader) WithRemedy(err error) error {
	const hint = "it is open for reading only: nothing but heapstash's own passes writes to it"
	lite, ok := errors.AsType[sqlite3.Error](err)
	switch {
	case ok && lite.Code == sqlite3.ErrAuth && r.connector.refused.Load() != nil:
		return &dbfile.Error{Path: r.Path, Err: refusedError{*r.connector.refused.Load(), err}, Remedy: hint}
	case ok && lite.Code == sqlite3.ErrReadonly:
		return &dbfile.Error{Path: r.Path, Err: err, Remedy: hint}
	case ok && lite.Code == sqlite3.ErrNomem, ok && lite.Code == sqlite3.ErrTooBig:
		return &dbfile.Error{Path: r.Path, Err: err, Remedy: "a question may take 512 MB of memory, and a value 32 MB: ask for less at once, or ask with a program of your own"}
	default:
		return WithRemedy(r.Path, err)
	}
}

// refusedError is a statement that does more than read.
type refusedError struct {
	what string
	err  error
}

func (e refusedError) Error() string { return e.what + " is refused: only reading is allowed" }

func (e refusedError) Unwrap() error { return e.err }

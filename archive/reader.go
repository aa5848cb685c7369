package archive

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/mattn/go-sqlite3"

	"heapstash/schema"
)

// Reader is an archive open for reading only. It sees a writer's work a
// transaction at a time, and never makes a writer wait or fail.
type Reader struct {
	path string
	db   *sql.DB
}

// OpenReader opens an archive that exists. The error wraps
// [schema.ErrNoArchive], [schema.ErrNotArchive] or [schema.ErrNewerArchive]
// where one of them is the reason.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	exists, err := inspect(path)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, &Error{
			Path: path,
			Err:  fmt.Errorf("%w at this path", schema.ErrNoArchive),
			hint: "heapstash collect makes one; name another file with --db-file",
		}
	}
	db, err := openDB(path, "ro", url.Values{"_query_only": {"1"}})
	if err != nil {
		return nil, explain(path, err)
	}
	r := &Reader{path, db}
	if _, err := fileVersion(ctx, db, path); err != nil {
		return nil, errors.Join(explain(path, err), db.Close())
	}
	return r, nil
}

// Query runs one statement. Cancel ctx to stop one that takes too long. A
// statement that would write fails.
func (r *Reader) Query(ctx context.Context, query string) (*sql.Rows, error) {
	rows, err := r.db.QueryContext(ctx, query)
	if lite, ok := errors.AsType[sqlite3.Error](err); ok && lite.Code == sqlite3.ErrReadonly {
		return nil, &Error{Path: r.path, Err: err, hint: "it is open for reading only: nothing but heapstash's own passes writes to it"}
	}
	return rows, explain(r.path, err)
}

// Close ends the reading.
func (r *Reader) Close() error { return explain(r.path, r.db.Close()) }

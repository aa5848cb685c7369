package archive

import (
	"context"
	"database/sql"
	"fmt"

	"heapstash/schema"
)

// Reader is an archive open for reading only. It sees a writer's work a
// transaction at a time, and never makes a writer wait or fail, except where
// the archive has a rollback journal ([FileSystem.WriteAhead]): there a writer
// waits for the end of a query, for up to half a minute, and queries for it. What
// it is asked may come from anybody: see readingConnector for what is refused.
type Reader struct {
	path      string
	db        *sql.DB
	connector *readingConnector
}

// OpenReader opens an archive that exists. The error wraps
// [schema.ErrNoArchive], [schema.ErrNotArchive] or [schema.ErrNewerArchive]
// where one of them is the reason.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	r, err := openReading(ctx, path, diskOf)
	if err != nil {
		return nil, explain(path, err)
	}
	return r, nil
}

func noArchive(path string) error {
	return &Error{
		Path: path,
		Err:  fmt.Errorf("%w at this path", schema.ErrNoArchive),
		hint: "heapstash collect makes one; name another file with --db-file",
	}
}

// Query runs one statement with the values of its parameters. Cancel ctx to stop
// one that takes too long. A statement that would do anything but read fails, and
// so does one that takes more than 512 MB of SQLite's memory, or 32 MB for a value.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, r.Explain(err)
	}
	return rows, nil
}

// Close ends the reading.
func (r *Reader) Close() error { return explain(r.path, r.db.Close()) }

package conn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"heapstash/archive/sqlite/dbfile"
)

// Reader is an archive open for reading only. It sees a writer's work a
// transaction at a time, and never makes a writer wait or fail, except where
// the archive has a rollback journal ([FileSystem.WriteAhead]): there a writer
// waits for the end of a query, for up to half a minute, and queries for it. What
// it is asked may come from anybody: see readingConnector for what is refused.
type Reader struct {
	Path      string
	Db        *sql.DB
	connector *readingConnector
}

// OpenReader opens an archive that exists. The error wraps
// [archive.ErrNoArchive], [archive.ErrNotArchive] or [archive.ErrNewerArchive]
// where one of them is the reason.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	r, err := OpenReading(ctx, path, dbfile.DiskOf)
	if err != nil {
		return nil, explainReading(path, err)
	}
	return r, nil
}

// shareHint is how an archive is opened to users who only read it.
const shareHint = "it is its owner's: set archive.mode to \"0640\" (for its group) or \"0644\" (for all) where passes are made, and let\n" +
	"readers enter its directory; or copy it for them: `heapstash snapshot FILE` with HEAPSTASH_ARCHIVE_MODE=0644"

// explainReading is explain for a reader, who needs no permission to write.
func explainReading(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return Explain(path, err)
	}
	if known, ok := errors.AsType[*dbfile.Error](err); ok {
		err = known.Err
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("this user may not read it: %w", file.Err)
	}
	return &dbfile.Error{Path: path, Err: err, Remedy: shareHint}
}

// Query runs one statement with the values of its parameters. Cancel ctx to stop
// one that takes too long. A statement that would do anything but read fails, and
// so does one that takes more than 512 MB of SQLite's memory, or 32 MB for a value.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := r.Db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, r.ExplainError(err)
	}
	return rows, nil
}

// InTransaction calls do with a transaction, in which all statements read one state
// of the archive.
func (r *Reader) InTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := r.Db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback() // read only
		err = do(tx)
	}
	return r.ExplainError(err)
}

// Close ends the reading.
func (r *Reader) Close() error { return Explain(r.Path, r.Db.Close()) }

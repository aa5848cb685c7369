package conn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"heapstash/archive/sqlite/dbfile"
)

// Reader is an archive open for reading only, by a few connections: several
// goroutines may use it. Each statement reads one state of the archive, and so do
// all statements of an [Reader.InTransaction].
//
// It never makes a writer wait or fail, unless the archive has a rollback journal
// ([dbfile.FileSystem.WriteAhead]): there a writer waits up to half a minute for the
// end of a statement, and statements wait for a writer. Anyone may choose the
// statements: readerConnector says what is refused.
type Reader struct {
	Path      string
	DB        *sql.DB
	connector *readerConnector
}

// OpenReader opens an archive that exists. The error wraps
// [archive.ErrNoArchive], [archive.ErrNotArchive] or [archive.ErrNewerArchive]
// where one of them is the reason.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	r, err := OpenReaderOn(ctx, path, dbfile.DiskOf)
	if err != nil {
		return nil, readerError(path, err)
	}
	return r, nil
}

// shareHint says how to give readers access to an archive.
const shareHint = "it is its owner's: set archive.mode to \"0640\" (for its group) or \"0644\" (for all) where passes are made, and let\n" +
	"readers enter its directory; or copy it for them: `heapstash snapshot FILE` with HEAPSTASH_ARCHIVE_MODE=0644"

// readerError is [WithRemedy] for a reader, which needs no permission to write.
func readerError(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return WithRemedy(path, err)
	}
	if known, ok := errors.AsType[*dbfile.Error](err); ok {
		err = known.Err
	}
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("this user may not read it: %w", file.Err)
	}
	return &dbfile.Error{Path: path, Err: err, Remedy: shareHint}
}

// Query runs one statement with the values of its parameters. Cancel ctx to stop a
// statement that takes too long. A statement fails if it does more than read, if a
// value has more than 32 MB, or if the statements of this process take more than 512
// MB of SQLite's memory together.
func (r *Reader) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := r.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, r.WithRemedy(err)
	}
	return rows, nil
}

// InTransaction calls do with a transaction, in which all statements read one state
// of the archive.
func (r *Reader) InTransaction(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := r.DB.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback() // read only
		err = do(tx)
	}
	return r.WithRemedy(err)
}

// Close closes the archive.
func (r *Reader) Close() error { return WithRemedy(r.Path, r.DB.Close()) }

package archive

import (
	"context"
	"database/sql"
	"errors"
)

// queryer is what *sql.DB and *sql.Tx have in common for reading.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// inTransaction commits what do did, or rolls it back when do fails or
// panics: a transaction left open would lock every later writer out.
func inTransaction(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// each calls visit for every row of a query.
func each(ctx context.Context, db queryer, visit func(*sql.Rows) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := visit(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// column returns the one column of a query.
func column[T any](ctx context.Context, db queryer, query string, args ...any) ([]T, error) {
	var values []T
	err := each(ctx, db, func(rows *sql.Rows) error {
		var v T
		err := rows.Scan(&v)
		values = append(values, v)
		return err
	}, query, args...)
	return values, err
}

package archive

import (
	"context"
	"database/sql"
	"errors"
	"heapstash/schema"
)

// queryer is what *sql.DB and *sql.Tx have in common for reading.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
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

// prepared is a transaction that prepares each query once.
type prepared struct {
	// ctx is never cancelled, for go-sqlite3 pays for each statement under
	// one that can be.
	ctx        context.Context
	tx         *sql.Tx
	statements map[string]*sql.Stmt
}

func prepare(ctx context.Context, tx *sql.Tx) prepared {
	return prepared{context.WithoutCancel(ctx), tx, make(map[string]*sql.Stmt)}
}

// statement prepares a query once a transaction, which closes it.
func (p prepared) statement(query string) (*sql.Stmt, error) {
	if stmt := p.statements[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := p.tx.PrepareContext(p.ctx, query)
	if err == nil {
		p.statements[query] = stmt
	}
	return stmt, err
}

func (p prepared) exec(query string, args ...any) error {
	_, err := p.change(query, args...)
	return err
}

// change runs a statement, and returns how many rows it changed.
func (p prepared) change(query string, args ...any) (rows int64, err error) {
	stmt, err := p.statement(query)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(p.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one scans the first row of a query, or returns [sql.ErrNoRows].
func (p prepared) one(query string, dest any, args ...any) error {
	stmt, err := p.statement(query)
	if err != nil {
		return err
	}
	return stmt.QueryRowContext(p.ctx, args...).Scan(dest)
}

// eachSeries calls do for the key of each series that an entity has at a level:
// the entity, and in the narrow tables each metric. An error ends it.
func (p prepared) eachSeries(r *rollup, level schema.Level, entity int64, do func(series []any) error) error {
	if !r.isNarrow() {
		return do([]any{entity})
	}
	for metric := int64(0); ; {
		if err := p.one(r.next[level], &metric, entity, metric); err != nil || metric == 0 {
			return err
		}
		if err := do([]any{entity, metric}); err != nil {
			return err
		}
	}
}

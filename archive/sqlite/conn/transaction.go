package conn

import (
	"context"
	"database/sql"
	"errors"

	"heapstash/archive"
	"heapstash/archive/sqlite/tables"
)

// Queryer is the reading part of [sql.DB] and [sql.Tx].
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// InTransaction runs do in a transaction, and commits it, or rolls it back if do
// fails or panics: an open transaction would lock out all later writers.
func InTransaction(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
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

// Each calls visit for every row of a query.
func Each(ctx context.Context, db Queryer, visit func(*sql.Rows) error, query string, args ...any) error {
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

// List returns the rows of a query. The function into returns the targets of a row's
// columns.
func List[T any](ctx context.Context, db Queryer, into func(*T) []any, query string, args ...any) (list []T, err error) {
	err = Each(ctx, db, func(rows *sql.Rows) error {
		var v T
		err := rows.Scan(into(&v)...)
		list = append(list, v)
		return err
	}, query, args...)
	return list, err
}

// Column returns the values of a query with one column.
func Column[T any](ctx context.Context, db Queryer, query string, args ...any) ([]T, error) {
	return List(ctx, db, func(v *T) []any { return []any{v} }, query, args...)
}

// Map returns the rows of a query with two columns, by the first one.
func Map[K comparable, V any](ctx context.Context, db Queryer, query string, args ...any) (map[K]V, error) {
	values := make(map[K]V)
	err := Each(ctx, db, func(rows *sql.Rows) error {
		var k K
		var v V
		err := rows.Scan(&k, &v)
		values[k] = v
		return err
	}, query, args...)
	return values, err
}

// Prepared is a transaction that prepares each query once. After an error, its methods do
// nothing: call Err before the transaction is committed.
type Prepared struct {
	// Ctx is never cancelled: a context that can be costs a goroutine for each
	// statement.
	Ctx        context.Context
	Tx         *sql.Tx
	statements map[string]*sql.Stmt
	err        error
}

// Prepare returns the transaction, without statements yet.
func Prepare(ctx context.Context, tx *sql.Tx) *Prepared {
	return &Prepared{Ctx: context.WithoutCancel(ctx), Tx: tx, statements: make(map[string]*sql.Stmt)}
}

// Statement prepares a query once. The transaction closes it.
func (p *Prepared) Statement(query string) (*sql.Stmt, error) {
	if stmt := p.statements[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := p.Tx.PrepareContext(p.Ctx, query)
	if err == nil {
		p.statements[query] = stmt
	}
	return stmt, err
}

// Err returns the first error of Exec, Change, One and Fail.
func (p *Prepared) Err() error { return p.err }

// Fail keeps the error if it is the first one.
func (p *Prepared) Fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Exec runs a statement.
func (p *Prepared) Exec(query string, args ...any) { p.Change(query, args...) }

// Change runs a statement, and returns how many rows it changed.
func (p *Prepared) Change(query string, args ...any) (rows int64) {
	if p.err != nil {
		return 0
	}
	var stmt *sql.Stmt
	if stmt, p.err = p.Statement(query); p.err != nil {
		return 0
	}
	var result sql.Result
	if result, p.err = stmt.ExecContext(p.Ctx, args...); p.err != nil {
		return 0
	}
	rows, p.err = result.RowsAffected()
	return rows
}

// One scans the first row of a query into the targets, and reports whether there is one.
func (p *Prepared) One(query string, into []any, args ...any) bool {
	if p.err != nil {
		return false
	}
	stmt, err := p.Statement(query)
	if err == nil {
		err = stmt.QueryRowContext(p.Ctx, args...).Scan(into...)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		p.err = err
	}
	return err == nil
}

// Number returns the number that a query returns.
func (p *Prepared) Number(query string, args ...any) (n int64) {
	p.One(query, []any{&n}, args...)
	return n
}

// EachSeries calls do for the key of each series that an entity has at a level:
// the entity, and in the narrow tables each metric. An error ends it.
func (p *Prepared) EachSeries(r *tables.Rollup, level archive.Level, entity int64, do func(series []any)) {
	if !r.IsNarrow() {
		do([]any{entity})
		return
	}
	for metric := int64(0); p.err == nil; {
		if metric = p.Number(r.Next[level], entity, metric); metric == 0 {
			return
		}
		do([]any{entity, metric})
	}
}

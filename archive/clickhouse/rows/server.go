// Package rows reads rows from ClickHouse. It sets the settings of a user's profile that
// change what a statement means; [conn.Connect] refuses those that leave rows out.
package rows

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/conn"
	"heapstash/schema"
)

// Server runs statements that only read. Several goroutines may use it.
type Server struct {
	*conn.Conn
	settings clickhouse.Settings
}

// later are settings of a user's profile that servers of 2018 do not know. They change
// what a statement means.
var later = clickhouse.Settings{
	"aggregate_functions_null_for_empty": 0, "prefer_column_name_to_alias": 0, "transform_null_in": 0, "cast_keep_nullable": 0,
}

// NewServer returns the server behind a connection.
func NewServer(ctx context.Context, c *conn.Conn) (Server, error) {
	s := Server{c, clickhouse.Settings{
		"readonly":       2, // else a user's statement could write
		"join_use_nulls": 0,
	}}
	version, err := c.ServerVersion()
	if err != nil {
		return s, s.Wrap(ctx, err)
	}
	if version.Version.Major >= 24 {
		maps.Copy(s.settings, later)
	}
	return s, nil
}

// Query runs a statement. Its errors are the server's: see [Server.Wrap].
func (s Server) Query(ctx context.Context, statement string) (driver.Rows, error) {
	return s.Conn.Query(s.withSettings(ctx), statement)
}

func (s Server) withSettings(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(s.settings))
}

// Each calls row for each row of the statement's result. An error of row ends the
// statement, on the server too, and is returned as it is.
func (s Server) Each(ctx context.Context, statement string, row func(driver.Rows) error) error {
	var failed error
	err := s.Conn.Each(s.withSettings(ctx), func(rows driver.Rows) error {
		failed = row(rows)
		return failed
	}, statement)
	if failed != nil {
		return failed
	}
	return s.Wrap(ctx, err)
}

// One scans the statement's only row.
func (s Server) One(ctx context.Context, statement string, into ...any) error {
	return s.Each(ctx, statement, func(rows driver.Rows) error { return rows.Scan(into...) })
}

// Texts returns the rows of a statement with n columns of texts.
func (s Server) Texts(ctx context.Context, n int, statement string) (all [][]string, err error) {
	into := make([]any, n)
	err = s.Each(ctx, statement, func(rows driver.Rows) error {
		row := make([]string, n)
		for i := range row {
			into[i] = &row[i]
		}
		all = append(all, row)
		return rows.Scan(into...)
	})
	return all, err
}

// readOnly is the code of the error that a user may not change settings.
const readOnly = 164

// Wrap returns the error of a statement with the archive's name and a hint. If ctx is
// done, it returns the error of ctx.
func (s Server) Wrap(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok && e.Code == readOnly {
		return schema.WithHint(fmt.Errorf("archive %s: %w", s.Address, err), "statements may only read; if this one does, the user's profile needs readonly = 2 instead of 1, because heapstash changes settings")
	}
	return s.Explain(err)
}

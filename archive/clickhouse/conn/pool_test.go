package conn

import (
	"context"
	"errors"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/clickhousetest"
)

// TestStatementsEnd: a statement whose ctx is done, or whose rows are closed before the
// last one, ends on the server too, and others of the same pool go on. The rows come faster
// than they are read, so that the driver always has more of them.
func TestStatementsEnd(t *testing.T) {
	server := clickhousetest.Start(t)
	c, err := ConnectServer(t.Context(), "clickhouse://"+server.Address+"/none", Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	const endless = "SELECT number FROM system.numbers"
	some := func(rows driver.Rows) {
		for range 10 {
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
		}
	}
	for range 10 {
		other, err := c.Query(t.Context(), "SELECT number FROM system.numbers LIMIT 300000")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		rows, err := c.Query(ctx, endless)
		if err != nil {
			t.Fatal(err)
		}
		some(rows)
		cancel()
		for rows.Next() {
		}
		if err := rows.Close(); !errors.Is(err, context.Canceled) {
			t.Fatalf("the error of a cancelled statement is %v", err)
		}
		if rows, err = c.Query(t.Context(), endless); err != nil {
			t.Fatal(err)
		}
		some(rows)
		if err := rows.Close(); err != nil {
			t.Fatalf("rows that are closed early: %v", err)
		}
		n := 0
		for other.Next() {
			n++
		}
		if err := other.Close(); err != nil || n != 300000 {
			t.Fatalf("another statement has %d rows, and the error %v", n, err)
		}
	}
	for running := uint64(1); running > 0; {
		err := c.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '"+endless+"'").Scan(&running)
		if err != nil {
			t.Fatal(err)
		}
	}
}

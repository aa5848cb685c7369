package rows_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/rows"
)

func open(t *testing.T) rows.Server {
	t.Helper()
	server := clickhousetest.Start(t)
	c, err := conn.Connect(t.Context(), "clickhouse://"+server.Address+"/"+server.Database(t), conn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := rows.NewServer(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A statement of a user reads every type, and changes nothing.
func TestSelect(t *testing.T) {
	s := open(t)
	var columns []string
	var values []any
	err := s.Select(t.Context(), "SELECT toUInt8(1) AS a, toInt64(-9223372036854775808) AS b, 0.5 AS c, 'x' AS d, NULL AS e, toNullable(toInt64(2)) AS f, toDateTime(60, 'UTC') AS g, [1, 2] AS h",
		func(names []string) error { columns = names; return nil },
		func(row []any) error { values = append(values, row...); return nil })
	want := []any{int64(1), int64(-1 << 63), 0.5, "x", nil, int64(2), "1970-01-01T00:01:00Z", "[1 2]"}
	if err != nil || !reflect.DeepEqual(values, want) || strings.Join(columns, "") != "abcdefgh" {
		t.Errorf("%v: %v, want %v, %v", columns, values, want, err)
	}
	none := func([]string) error { return nil }
	for _, statement := range []string{"CREATE TABLE t (a Int64) ENGINE = Memory", "DROP DATABASE " + s.Address.Database, "nonsense"} {
		if err := s.Select(t.Context(), statement, none, nil); err == nil || !strings.Contains(err.Error(), s.Address.String()) {
			t.Errorf("%s: %v", statement, err)
		}
	}
	stop := errors.New("stop")
	if err := s.Select(t.Context(), "SELECT number FROM system.numbers", none, func([]any) error { return stop }); err != stop {
		t.Errorf("the error of a row: %v", err)
	}
}

// When the context ends, the statement ends, on the server too.
func TestCancelled(t *testing.T) {
	s := open(t)
	const statement = "SELECT count() FROM system.numbers WHERE number % 7 = 8"
	running := func() (n uint64) {
		err := s.One(t.Context(), "SELECT count() FROM system.processes WHERE startsWith(query, '"+statement+"')", &n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	await := func(n uint64) error {
		for deadline := time.Now().Add(20 * time.Second); running() != n; {
			if time.Now().After(deadline) {
				return fmt.Errorf("%d statements run, want %d", running(), n)
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- s.Each(ctx, statement, func(driver.Rows) error { return nil })
	}()
	if err := await(1); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if err := await(0); err != nil {
		t.Error(err)
	}
}

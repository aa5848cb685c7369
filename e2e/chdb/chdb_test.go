package chdb_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/e2e/chdb"
)

// TestServer: clickhouse-go makes a table, writes rows of every type that archives use,
// and reads the same.
func TestServer(t *testing.T) {
	server := chdb.Start(t)
	for name, compression := range map[string]*clickhouse.Compression{
		"Plain": nil, "LZ4": {Method: clickhouse.CompressionLZ4}, "ZSTD": {Method: clickhouse.CompressionZSTD},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(database string) clickhouse.Conn {
				conn, err := clickhouse.Open(&clickhouse.Options{
					Addr: []string{server.Address}, Auth: clickhouse.Auth{Database: database}, Compression: compression,
					Settings: clickhouse.Settings{"max_threads": 3},
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { conn.Close() })
				return conn
			}
			do := func(conn clickhouse.Conn, statement string) {
				t.Helper()
				if err := conn.Exec(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			do(open(""), "CREATE DATABASE "+name)
			conn := open(name)
			do(conn, "CREATE TABLE t (name String, kind LowCardinality(String), ts DateTime, i Nullable(Int64), f Nullable(Float64), a Array(String)) ENGINE = ReplacingMergeTree ORDER BY (name, ts)")
			type row struct {
				Name, Kind string
				At         time.Time
				I          *int64
				F          *float64
				A          []string
			}
			i, f := int64(math.MinInt64), 0.1
			at := time.Date(2017, 9, 27, 12, 0, 0, 0, time.UTC)
			rows := []row{{"a", "pod", at, &i, nil, []string{"x", ""}}, {"", "node", at.Add(time.Second), nil, &f, nil}, {"ü'\"\\\x00\n", "pod", at, nil, nil, nil}}
			for range 2 { // the same key again
				batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t (name, kind, ts, i, f, a)")
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					if err := batch.Append(r.Name, r.Kind, r.At, r.I, r.F, r.A); err != nil {
						t.Fatal(err)
					}
				}
				if err := batch.Send(); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range rows {
				var got row
				if err := conn.QueryRow(t.Context(), "SELECT * FROM t FINAL WHERE name = ? AND ts = ?", want.Name, want.At).Scan(&got.Name, &got.Kind, &got.At, &got.I, &got.F, &got.A); err != nil {
					t.Fatal(err)
				}
				if got.Name != want.Name || got.Kind != want.Kind || !got.At.Equal(want.At) || !slices.Equal(got.A, want.A) || !equal(got.I, want.I) || !equal(got.F, want.F) {
					t.Errorf("%+v, want %+v", got, want)
				}
			}
			var n uint64
			var threads uint8
			if err := conn.QueryRow(t.Context(), "SELECT count(), getSetting('max_threads') FROM t FINAL").Scan(&n, &threads); err != nil || n != uint64(len(rows)) || threads != 3 {
				t.Errorf("%d rows, %d threads, %v", n, threads, err)
			}
			none, err := conn.Query(t.Context(), "SELECT name, i FROM t WHERE ts = 0")
			if err != nil || !slices.Equal(none.Columns(), []string{"name", "i"}) || none.Next() {
				t.Errorf("no rows: %v", err)
			}
			_, err = conn.Query(t.Context(), "SELECT nope FROM t")
			if e, ok := errors.AsType[*clickhouse.Exception](err); !ok || e.Code != 47 { // UNKNOWN_IDENTIFIER
				t.Errorf("an error: %v", err)
			}
			if err := conn.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if v, err := conn.ServerVersion(); err != nil || v.Version.Major < 26 {
				t.Errorf("version %v, %v", v, err)
			}
		})
	}
}

func equal[T comparable](a, b *T) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

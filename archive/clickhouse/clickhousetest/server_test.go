package clickhousetest_test

import (
	"testing"

	"heapstash/archive/clickhouse/clickhousetest"
)

func TestServer(t *testing.T) {
	server := clickhousetest.Start(t)
	first, second := server.Database(t), server.Database(t)
	if first == second {
		t.Errorf("both are %s", first)
	}
	server.Exec(t, "CREATE TABLE "+first+".x (a Int64) ENGINE = Memory")
	server.Exec(t, "INSERT INTO "+first+".x SELECT 1")
}

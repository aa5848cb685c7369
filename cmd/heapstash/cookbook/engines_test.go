package cookbook_test

import (
	"testing"

	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/cmd/heapstash/cookbook/cookbooktest"
)

// TestEnginesAgree asks both engines every question, of the same samples.
func TestEnginesAgree(t *testing.T) {
	server := clickhousetest.Start(t)
	cookbooktest.Judge(t, "clickhouse://"+server.Address+"/"+server.Database(t), "../../../docs")
}

package chdb_test

import (
	"fmt"
	"testing"

	"heapstash/archive/clickhouse/answertest"
	"heapstash/e2e/chdb"
)

// TestAnswersAreRight holds random questions to the oracle.
func TestAnswersAreRight(t *testing.T) {
	server := chdb.Start(t)
	for _, seed := range []uint64{4} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			answertest.Judge(t, "clickhouse://"+server.Address+"/"+server.Database(t), seed, 40)
		})
	}
}

// TestOverflow: no sum of integers is wrapped.
func TestOverflow(t *testing.T) {
	server := chdb.Start(t)
	answertest.Overflow(t, "clickhouse://"+server.Address+"/"+server.Database(t))
}

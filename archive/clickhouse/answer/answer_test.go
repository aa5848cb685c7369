package answer_test

import (
	"fmt"
	"strings"
	"testing"

	"heapstash/archive/clickhouse/answertest"
	"heapstash/archive/clickhouse/clickhousetest"
)

// TestAnswersAreRight holds random questions to the oracle.
func TestAnswersAreRight(t *testing.T) {
	server := clickhousetest.Start(t)
	for _, seed := range []uint64{1, 3} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			answertest.Judge(t, "clickhouse://"+server.Address+"/"+server.Database(t), seed, 60)
		})
	}
}

// TestAnswersOfCluster is the same with two shards of two replicas each.
func TestAnswersOfCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	answertest.Judge(t, "clickhouse://"+strings.Join(cluster.Addresses(), ",")+"/"+cluster.Database(t)+"?cluster="+cluster.Name, 7, 25)
}

// TestOverflow: no sum of integers is wrapped.
func TestOverflow(t *testing.T) {
	server := clickhousetest.Start(t)
	answertest.Overflow(t, "clickhouse://"+server.Address+"/"+server.Database(t))
}

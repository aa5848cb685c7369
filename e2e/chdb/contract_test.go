package chdb_test

import (
	"testing"

	"heapstash/archive/archivetest"
	"heapstash/archive/clickhouse/answertest"
	"heapstash/e2e/chdb"
)

// TestContract: an archive in a current engine is like every other archive. It takes two
// and a half minutes.
func TestContract(t *testing.T) {
	server := chdb.Start(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return answertest.Engine("clickhouse://" + server.Address + "/" + server.Database(t))
	})
}

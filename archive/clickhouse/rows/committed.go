package rows

import (
	"fmt"

	"heapstash/archive/clickhouse/tables"
)

// Committed is the condition that a row of samples is not of a batch that is being
// written: a pass writes the time of its cluster's newest row last. An INSERT reaches
// the shards of a cluster one after the other.
var Committed = func() string {
	state := tables.NewLayout().ClusterState
	from := fmt.Sprintf("(SELECT cluster, newest FROM %s FINAL WHERE %s = 0 ORDER BY cluster)", state.Rows(), tables.Deleted)
	return "ts <= transform(cluster, (SELECT arrayPushBack(groupArray(cluster), '') FROM " + from + ")," +
		" (SELECT arrayPushBack(groupArray(newest), toInt64(0)) FROM " + from + "), toInt64(0))"
}()

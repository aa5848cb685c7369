package read

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/rows"
	"heapstash/schema"
)

// mostHoles is the largest number of holes that [Holes] reads into memory.
const mostHoles = 100_000

// selectHoles has the parameter since. A hole without a time has the time of its pass.
const selectHoles = `SELECT cluster, toInt64(pass), toInt64(started), ifNull(kind, ''), ifNull(namespace, ''), ifNull(pod, ''), ifNull(container, ''),
    ifNull(node, ''), ifNull(labels, ''), ifNull(metric, ''), cause, detail, toInt64(ifNull(from_ts, 0)), toInt64(ifNull(to_ts, 0)), toUInt8(lasting)
  FROM (SELECT * FROM holes) AS h
  ALL INNER JOIN (SELECT id AS pass, started FROM passes) AS p USING (pass)
  WHERE ifNull(to_ts, started) >= %d
  ORDER BY ifNull(from_ts, started), pass
  LIMIT %d`

// Holes implements [archive.Teller].
func Holes(ctx context.Context, server rows.Server, since schema.Instant) ([]archive.RecordedHole, error) {
	holes := []archive.RecordedHole{}
	err := server.Each(ctx, fmt.Sprintf(selectHoles, since, mostHoles+1), func(row driver.Rows) error {
		var h archive.RecordedHole
		var e schema.Entity
		var kind, metric, cause string
		var pass, started, from, to int64
		var lasting uint8
		err := row.Scan(&h.Cluster, &pass, &started, &kind, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels,
			&metric, &cause, &h.Detail, &from, &to, &lasting)
		if err == nil && kind != "" {
			e.Kind, err = schema.ParseKind(kind)
		}
		h.Pass, h.Started, h.Metric, h.Cause = archive.PassID(pass), schema.Instant(started), schema.MetricName(metric), archive.Cause(cause)
		h.From, h.To, h.Lasting, h.Scope = schema.Instant(from), schema.Instant(to), lasting != 0, archive.Hole{Entity: e}.Scope()
		if to > 0 {
			h.Seconds = to - from + 1
		}
		if holes = append(holes, h); err == nil && len(holes) > mostHoles {
			err = schema.WithHint(fmt.Errorf("more than %d holes", mostHoles), "--since shows only later holes; the view holes has all")
		}
		return err
	})
	return holes, err
}

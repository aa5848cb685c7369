package read

import (
	"context"
	"database/sql"
	"fmt"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/dbfile"
	"heapstash/schema"
)

const selectHoles = `SELECT p.cluster, p.id, p.started, h.kind, h.namespace, h.pod, h.container, h.node, h.labels,
	h.metric, h.cause, h.detail, ifnull(h.from_ts, 0), ifnull(h.to_ts, 0), ifnull(h.to_ts - h.from_ts + 1, 0), h.lasting
	FROM hole h JOIN pass p ON p.id = h.pass_id
	WHERE ifnull(h.to_ts, p.started) >= ? ORDER BY ifnull(h.from_ts, p.started), h.id`

// mostHoles is the largest number of holes that Holes reads into memory.
const mostHoles = 100_000

// Holes implements [archive.Teller].
func Holes(ctx context.Context, r *conn.Reader, since schema.Instant) ([]archive.RecordedHole, error) {
	holes := []archive.RecordedHole{}
	err := conn.Each(ctx, r.DB, func(rows *sql.Rows) error {
		var h archive.RecordedHole
		var kind string
		var e schema.Entity
		err := rows.Scan(&h.Cluster, &h.Pass, &h.Started, &kind, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels,
			&h.Metric, &h.Cause, &h.Detail, &h.From, &h.To, &h.Seconds, &h.Lasting)
		if err == nil && kind != "" {
			e.Kind, err = schema.ParseKind(kind)
		}
		h.Scope = archive.Hole{Entity: e}.Scope()
		if holes = append(holes, h); err == nil && len(holes) > mostHoles {
			err = &dbfile.Error{Path: r.Path, Err: fmt.Errorf("more than %d holes", mostHoles), Remedy: "--since shows only later holes; the view holes has all"}
		}
		return err
	}, selectHoles, since)
	return holes, conn.WithRemedy(r.Path, err)
}

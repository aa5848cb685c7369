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

const selectGaps = `SELECT p.cluster, p.id, p.started, h.kind, h.namespace, h.pod, h.container, h.node, h.labels,
	h.metric, h.cause, h.detail, ifnull(h.from_ts, 0), ifnull(h.to_ts, 0), ifnull(h.to_ts - h.from_ts + 1, 0), h.lasting
	FROM hole h JOIN pass p ON p.id = h.pass_id
	WHERE ifnull(h.to_ts, p.started) >= ? ORDER BY ifnull(h.from_ts, p.started), h.id`

// mostGaps is how many there may be, for they are in memory as a whole.
const mostGaps = 100_000

// Gaps returns the ledger's holes, the oldest first: those whose missing time
// reaches to since or beyond, and, where no time is known to be missing, those
// of passes that began then or later. None returns all. More than a hundred
// thousand are an error.
func Gaps(ctx context.Context, r *conn.Reader, since schema.Instant) ([]archive.Gap, error) {
	gaps := []archive.Gap{}
	err := conn.Each(ctx, r.Db, func(rows *sql.Rows) error {
		var g archive.Gap
		var kind string
		var e schema.Entity
		err := rows.Scan(&g.Cluster, &g.Pass, &g.Started, &kind, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels,
			&g.Metric, &g.Cause, &g.Detail, &g.From, &g.To, &g.Seconds, &g.Lasting)
		if err == nil && kind != "" {
			e.Kind, err = schema.ParseKind(kind)
		}
		g.Scope = archive.Hole{Entity: e}.Scope()
		if gaps = append(gaps, g); err == nil && len(gaps) > mostGaps {
			err = &dbfile.Error{Path: r.Path, Err: fmt.Errorf("more than %d holes", mostGaps), Remedy: "--since gives those since a time; the view holes has all"}
		}
		return err
	}, selectGaps, since)
	return gaps, conn.Explain(r.Path, err)
}

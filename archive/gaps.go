package archive

import (
	"context"
	"database/sql"
	"fmt"

	"heapstash/schema"
)

// Gap is one hole of the ledger.
type Gap struct {
	Cluster string         `json:"cluster"`
	Pass    schema.PassID  `json:"pass"`
	Started schema.Instant `json:"started"` // of the pass, on the local clock
	// Scope is where, for people: a kind and a name, an entity, or "pass".
	Scope  string            `json:"scope"`
	Metric schema.MetricName `json:"metric,omitempty"` // empty for all
	Cause  schema.Cause      `json:"cause"`
	Detail string            `json:"detail"`
	// From and To bound the time that is missing, closed at both ends and on
	// Heapster's clock; None where no time is known to be lost.
	From    schema.Instant `json:"from"`
	To      schema.Instant `json:"to"`
	Seconds int64          `json:"seconds"` // from From to To, 0 where that is not known
	Lasting bool           `json:"lasting"`
}

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
func (r *Reader) Gaps(ctx context.Context, since schema.Instant) ([]Gap, error) {
	gaps := []Gap{}
	err := each(ctx, r.db, func(rows *sql.Rows) error {
		var g Gap
		var kind string
		var e schema.Entity
		err := rows.Scan(&g.Cluster, &g.Pass, &g.Started, &kind, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels,
			&g.Metric, &g.Cause, &g.Detail, &g.From, &g.To, &g.Seconds, &g.Lasting)
		if err == nil && kind != "" {
			e.Kind, err = schema.ParseKind(kind)
		}
		g.Scope = schema.Hole{Entity: e}.Scope()
		if gaps = append(gaps, g); err == nil && len(gaps) > mostGaps {
			err = &Error{Path: r.path, Err: fmt.Errorf("more than %d holes", mostGaps), hint: "--since gives those since a time; the view holes has all"}
		}
		return err
	}, selectGaps, since)
	return gaps, explain(r.path, err)
}

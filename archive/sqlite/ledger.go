package sqlite

import (
	"context"
	"database/sql"
	"time"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
)

const (
	abandonPasses = `UPDATE pass SET outcome = 'abandoned', error = 'the process died in this pass' WHERE outcome = 'running'`
	insertPass    = `INSERT INTO pass (cluster, version, started, outcome, samples_new, samples_duplicate, conflicts)
		VALUES (?, ?, ?, ?, 0, 0, 0) RETURNING id`
	updatePass = `UPDATE pass SET finished = ?, duration_ms = ?, outcome = ?, error = nullif(?, ''),
		requests = ?, bytes = ?, entities = ?,
		newest = nullif(?, 0), horizon = nullif(?, 0), gap_seconds = ? WHERE id = ?`
	insertHole = `INSERT INTO hole (pass_id, kind, namespace, pod, container, node, labels, metric,
		cause, detail, from_ts, to_ts, lasting)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), nullif(?, 0), ?)`
	selectLasting = `SELECT count(*) FROM hole h JOIN pass p ON p.id = h.pass_id
		WHERE h.lasting AND p.cluster = ? AND h.kind = ? AND h.namespace = ? AND h.pod = ? AND h.container = ?
		AND h.node = ? AND h.labels = ? AND h.metric = ? AND h.cause = ?`
)

// BeginPass opens a pass's line in the ledger and marks lines that are still open as
// abandoned: the caller holds the lock, so their processes died. It reads p's Cluster,
// Version and Started.
func (s *Store) BeginPass(ctx context.Context, p archive.Pass) (archive.PassID, error) {
	var id archive.PassID
	err := conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, abandonPasses); err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, insertPass, p.Cluster, p.Version, p.Started.Unix(), archive.OutcomeRunning)
		return row.Scan(&id)
	})
	return id, conn.WithRemedy(s.Path, err)
}

// EndPass closes the pass's line and records its holes, except lasting holes that are in
// the ledger already. It ignores p's counts of samples: [Store.Write] has stored them.
func (s *Store) EndPass(ctx context.Context, p archive.Pass, holes []archive.Hole) error {
	err := conn.InTransaction(ctx, s.DB, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, updatePass,
			p.Finished.Unix(), p.Finished.Sub(p.Started).Round(time.Millisecond).Milliseconds(), p.Outcome, p.Error,
			p.Requests, p.Bytes, p.Entities,
			p.Newest, p.Horizon, int64(p.Gap.Seconds()), p.ID)
		if err != nil {
			return err
		}
		in := conn.Prepare(ctx, tx)
		recordHoles(in, p.ID, p.Cluster, holes)
		return in.Err()
	})
	if err != nil {
		return conn.WithRemedy(s.Path, err)
	}
	return s.CheckPath()
}

func recordHoles(in *conn.Prepared, pass archive.PassID, cluster string, holes []archive.Hole) {
	for _, h := range holes {
		var kind string
		if h.Entity.Kind != 0 {
			kind = h.Entity.Kind.String()
		}
		e := h.Entity
		name := []any{kind, e.Namespace, e.Pod, e.Container, e.Node, e.Labels, h.Metric, h.Cause}
		if h.Lasting && in.Number(selectLasting, append([]any{cluster}, name...)...) > 0 {
			continue
		}
		in.Exec(insertHole, append(append([]any{pass}, name...), h.Detail, h.Window.From, h.Window.To, h.Lasting)...)
	}
}

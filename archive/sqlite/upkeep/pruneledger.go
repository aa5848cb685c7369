package upkeep

import (
	"context"
	"math"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/schema"
)

const (
	deleteAsked = `DELETE FROM asked WHERE EXISTS (SELECT 1 FROM watermark w WHERE w.cluster = asked.cluster
		AND w.kind = asked.kind AND w.name = asked.name AND w.part = asked.part AND w.ts < ?)`
	deleteWatermarks = `DELETE FROM watermark WHERE ts < ?`
	deleteLabels     = `DELETE FROM namespace_label WHERE valid_to < ?`
)

// pruneScopes deletes the records of scopes not read for as long as raw rows are kept, and
// namespace labels that ended before all kept rows. A scope that returns is asked for all
// that Heapster shows.
func pruneScopes(ctx context.Context, s *conn.Writer, d *deletion) error {
	return d.commit(ctx, s.DB, func() {
		d.next(stageLedger)
		if raw := d.earliest(archive.Raw); raw != 0 {
			d.cost += d.Change(deleteAsked, raw) + d.Change(deleteWatermarks, raw)
		}
		if all := d.earliest(archive.Levels()...); all != 0 {
			d.cost += d.Change(deleteLabels, all)
		}
	})
}

const (
	firstPassReferred = `SELECT ifnull(min(pass_id), ?) FROM conflict`
	selectOldPasses   = `SELECT id FROM pass WHERE id > ? AND started < ? ORDER BY id LIMIT 500`
	deleteHoles       = `DELETE FROM hole WHERE pass_id = ? AND NOT lasting`
	// deletePass keeps passes with a lasting hole, which is recorded only once, and the
	// last pass of each cluster.
	deletePass = `DELETE FROM pass WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM hole WHERE pass_id = ?1)
		AND EXISTS (SELECT 1 FROM pass later WHERE later.id > ?1 AND later.cluster = pass.cluster)`
	selectSamplesNew   = `SELECT ifnull(samples_new, 0) FROM pass WHERE id = ?`
	disableForeignKeys = `PRAGMA foreign_keys = 0`
	enableForeignKeys  = `PRAGMA foreign_keys = 1`
)

// ledgerCutoff returns the time before which passes and holes are deleted: those that are
// older than all raw rows. With a lake, they are kept as long as any rows.
func (c cutoffs) ledgerCutoff(lake bool) schema.Instant {
	if lake {
		return c.earliest(archive.Levels()...)
	}
	return c.earliest(archive.Raw)
}

// pruneLedger deletes old passes and holes.
func pruneLedger(ctx context.Context, s *conn.Writer, d *deletion) (err error) {
	// SQLite would scan all conflicts for each deleted pass. Instead, the first pass with
	// a conflict is found once: later conflicts belong to later passes. The writer has one
	// connection, so the pragma applies to the following statements.
	if _, err := s.DB.ExecContext(ctx, disableForeignKeys); err != nil {
		return err
	}
	defer func() {
		if _, enableErr := s.DB.ExecContext(context.WithoutCancel(ctx), enableForeignKeys); err == nil {
			err = enableErr
		}
	}()
	return d.commit(ctx, s.DB, func() {
		cutoff := d.ledgerCutoff(s.Options.Lake != nil)
		if cutoff == 0 {
			d.next(stageDone)
			return
		}
		if d.Referred == 0 {
			d.Referred = d.Number(firstPassReferred, int64(math.MaxInt64))
		}
		passes, err := conn.Column[int64](d.Ctx, d.Tx, selectOldPasses, d.Last, cutoff)
		if d.Fail(err); err == nil && len(passes) == 0 {
			d.next(stageDone)
		}
		for _, id := range passes {
			holes := d.Change(deleteHoles, id)
			d.Last = id
			d.counts.Holes += holes
			d.cost += entityCost + holes
			if id >= d.Referred {
				continue
			}
			stored := d.Number(selectSamplesNew, id)
			deleted := d.Change(deletePass, id)
			d.counts.Passes += deleted
			d.samples -= deleted * stored
			if d.full() {
				return
			}
		}
	})
}

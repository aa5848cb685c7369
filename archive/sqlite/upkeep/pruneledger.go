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
	return d.commit(ctx, s.DB, func() error {
		d.next(stageLedger)
		raw, all := d.earliest(archive.Raw), d.earliest(archive.Levels()...)
		for _, old := range []struct {
			statement string
			before    schema.Instant
		}{{deleteAsked, raw}, {deleteWatermarks, raw}, {deleteLabels, all}} {
			if old.before == 0 {
				continue
			}
			rows, err := d.Change(old.statement, old.before)
			if err != nil {
				return err
			}
			d.cost += rows
		}
		return nil
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

// pruneLedger deletes passes and holes that are older than all raw rows.
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
	return d.commit(ctx, s.DB, func() error {
		cutoff := d.earliest(archive.Raw)
		if cutoff == 0 {
			d.next(stageDone)
			return nil
		}
		if d.Referred == 0 {
			if err := d.One(firstPassReferred, &d.Referred, int64(math.MaxInt64)); err != nil {
				return err
			}
		}
		passes, err := conn.Column[int64](d.Ctx, d.Tx, selectOldPasses, d.Last, cutoff)
		if err != nil {
			return err
		}
		if len(passes) == 0 {
			d.next(stageDone)
			return nil
		}
		for _, id := range passes {
			holes, err := d.Change(deleteHoles, id)
			if err != nil {
				return err
			}
			d.Last = id
			d.counts.Holes += holes
			d.cost += entityCost + holes
			if id >= d.Referred {
				continue
			}
			var stored int64
			if err := d.One(selectSamplesNew, &stored, id); err != nil {
				return err
			}
			deleted, err := d.Change(deletePass, id)
			if err != nil {
				return err
			}
			d.counts.Passes += deleted
			d.samples -= deleted * stored
			if d.full() {
				break
			}
		}
		return nil
	})
}

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

// pruneScopes deletes what is noted of scopes that have not been read for as
// long as raw rows are kept, and labels that namespaces had before anything is
// kept of. A scope
// that comes back is asked for everything that Heapster shows.
func pruneScopes(ctx context.Context, s *conn.Writer, work *slice) error {
	return work.commit(ctx, s.Db, func() error {
		work.next(stageLedger)
		raw, all := work.everything(archive.Raw), work.everything(archive.Levels()...)
		for _, old := range []struct {
			statement string
			before    schema.Instant
		}{{deleteAsked, raw}, {deleteWatermarks, raw}, {deleteLabels, all}} {
			if old.before == 0 {
				continue
			}
			rows, err := work.Change(old.statement, old.before)
			if err != nil {
				return err
			}
			work.effort += rows
		}
		return nil
	})
}

const (
	firstPassReferred = `SELECT ifnull(min(pass_id), ?) FROM conflict`
	selectOldPasses   = `SELECT id FROM pass WHERE id > ? AND started < ? ORDER BY id LIMIT 500`
	deleteHoles       = `DELETE FROM hole WHERE pass_id = ? AND NOT lasting`
	// deletePass leaves a pass with a lasting hole, which is recorded once, and
	// the last one of each cluster.
	deletePass = `DELETE FROM pass WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM hole WHERE pass_id = ?1)
		AND EXISTS (SELECT 1 FROM pass later WHERE later.id > ?1 AND later.cluster = pass.cluster)`
	storedBy           = `SELECT ifnull(samples_new, 0) FROM pass WHERE id = ?`
	disableForeignKeys = `PRAGMA foreign_keys = 0`
	enableForeignKeys  = `PRAGMA foreign_keys = 1`
)

// pruneLedger deletes passes and holes that are older than any raw row.
func pruneLedger(ctx context.Context, s *conn.Writer, work *slice) (err error) {
	// SQLite would look through all conflicts for each pass that goes. The
	// first one referred to is found once: later conflicts are of later passes.
	// (There is one connection, so the pragma holds for what follows.)
	if _, err := s.Db.ExecContext(ctx, disableForeignKeys); err != nil {
		return err
	}
	defer func() {
		if _, enableErr := s.Db.ExecContext(context.WithoutCancel(ctx), enableForeignKeys); err == nil {
			err = enableErr
		}
	}()
	return work.commit(ctx, s.Db, func() error {
		cutoff := work.everything(archive.Raw)
		if cutoff == 0 {
			work.next(stageDone)
			return nil
		}
		if work.Referred == 0 {
			if err := work.One(firstPassReferred, &work.Referred, int64(math.MaxInt64)); err != nil {
				return err
			}
		}
		passes, err := conn.Column[int64](work.Ctx, work.Tx, selectOldPasses, work.Last, cutoff)
		if err != nil {
			return err
		}
		if len(passes) == 0 {
			work.next(stageDone)
			return nil
		}
		for _, id := range passes {
			holes, err := work.Change(deleteHoles, id)
			if err != nil {
				return err
			}
			work.Last = id
			work.tally.Holes += holes
			work.effort += entityEffort + holes
			if id >= work.Referred {
				continue
			}
			var stored int64
			if err := work.One(storedBy, &stored, id); err != nil {
				return err
			}
			deleted, err := work.Change(deletePass, id)
			if err != nil {
				return err
			}
			work.tally.Passes += deleted
			work.gone -= deleted * stored
			if work.full() {
				break
			}
		}
		return nil
	})
}

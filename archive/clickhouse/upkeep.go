package clickhouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// pruned is the begin of the name of a setting: it has the limits by which a cluster's
// rows were deleted. Each cluster's passes have a retention of their own.
const pruned = "pruned "

// upkeepLimit is how long a pass waits until the servers have deleted rows. They go on
// without it.
const upkeepLimit = 30 * time.Second

// Upkeep deletes samples of the pass's cluster that are older than the archive keeps; it
// does nothing before BeginPass. Whole months go at once where no other cluster has rows
// of them, and the rest in steps of a sixteenth of the retention, and of an hour at least,
// because a server rewrites the parts that lose rows. With the samples it deletes
// conflicts, and what is known of entities and incarnations that ended before. If the
// servers take longer than half a minute, a later call does the rest.
func (s *Store) Upkeep(ctx context.Context, now schema.Instant) (archive.Upkeep, error) {
	limits := limitsOf(s.retention, now)
	if len(limits) == 0 || s.pass == nil {
		return archive.Upkeep{}, nil
	}
	limited, cancel := context.WithTimeout(ctx, upkeepLimit)
	defer cancel()
	deleted, err := pruner{s, s.pass.cluster, limits}.prune(limited)
	if limited.Err() != nil && ctx.Err() == nil {
		s.warn("the servers have not deleted old samples yet: see system.mutations and system.distributed_ddl_queue")
		err = nil
	}
	return archive.Upkeep{Deleted: deleted}, s.conn.Explain(err)
}

// limitsOf returns the time before which the samples of each kind are deleted. Kinds
// that are kept for ever have none.
func limitsOf(r archive.Retention, now schema.Instant) map[schema.Kind]schema.Instant {
	limits := make(map[schema.Kind]schema.Instant)
	for kind, keep := range r[archive.Raw] {
		if keep <= 0 {
			continue
		}
		keep = max(keep, archive.LeastRetention(archive.Raw))
		step := max(keep/16, time.Hour).Truncate(time.Hour)
		limit := now.Add(-keep)
		limits[kind] = limit - limit%schema.Instant(step/time.Second)
	}
	return limits
}

// pruner deletes old rows of one cluster. Other clusters in the database have passes and
// a retention of their own.
type pruner struct {
	*Store
	cluster string
	limits  map[schema.Kind]schema.Instant
}

// own is the condition on the cluster's rows.
func (s pruner) own() string { return "cluster = " + tables.Literal(s.cluster) }

// prune deletes the rows before the limits, unless that was done before.
func (s pruner) prune(ctx context.Context) (deleted int64, err error) {
	var text strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(s.limits)) {
		fmt.Fprintf(&text, "%v<%d ", kind, s.limits[kind])
	}
	done := ""
	if err := s.one(ctx, "SELECT value FROM setting_rows FINAL WHERE deleted = 0 AND name = ?", &done, pruned+s.cluster); err != nil || done == text.String() {
		return 0, err
	}
	l := s.conn.Layout
	for _, t := range append(append([]*tables.Table{}, l.Wide...), l.Narrow, l.Conflict) {
		n, err := s.pruneSamples(ctx, t)
		deleted += n
		if err != nil {
			return deleted, fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	if err := s.pruneNames(ctx); err != nil {
		return deleted, err
	}
	return deleted, s.conn.Insert(ctx, l.Setting, [][]any{{pruned + s.cluster, text.String(), uint8(0), conn.Revision()}})
}

// pruneSamples deletes rows of a table with a ts.
func (s pruner) pruneSamples(ctx context.Context, t *tables.Table) (deleted int64, err error) {
	where := s.beforeLimits("ts")
	if t.Kind != 0 {
		limit, limited := s.limits[t.Kind]
		if !limited {
			return 0, nil
		}
		where = fmt.Sprintf("ts < %d", limit)
		if err := s.dropMonths(ctx, t, limit, &deleted); err != nil {
			return deleted, err
		}
	}
	n, err := s.delete(ctx, t, where)
	return deleted + n, err
}

// beforeLimits is the condition that a row of its kind is older than the limit.
func (s pruner) beforeLimits(column string) string {
	var arms []string
	for _, kind := range slices.Sorted(maps.Keys(s.limits)) {
		arms = append(arms, fmt.Sprintf("(kind = %s AND %s < %d)", tables.Literal(kind.String()), column, s.limits[kind]))
	}
	return strings.Join(arms, " OR ")
}

// dropMonths drops the partitions that end before the limit and have no rows of other
// clusters.
func (s pruner) dropMonths(ctx context.Context, t *tables.Table, limit schema.Instant, deleted *int64) error {
	begin := time.Unix(int64(limit), 0).UTC()
	month := begin.Year()*100 + int(begin.Month())
	var months []string
	err := s.each(ctx, fmt.Sprintf("SELECT toInt64(%s) AS month, toInt64(count()) FROM %s WHERE ts < %d GROUP BY month HAVING month < %d AND countIf(NOT (%s)) = 0 ORDER BY month", tables.Month, t.Rows(), limit, min(month, tables.LastMonth), s.own()), func(scan scanner) error {
		var month, rows int64
		err := scan(&month, &rows)
		months, *deleted = append(months, fmt.Sprint(month)), *deleted+rows
		return err
	})
	if err != nil || len(months) == 0 {
		return err
	}
	for _, month := range months {
		if err := s.alter(ctx, t, "DROP PARTITION "+month); err != nil {
			return err
		}
	}
	_, err = s.await(ctx, t, fmt.Sprintf("%s AND %s IN (%s)", s.own(), tables.Month, strings.Join(months, ", ")))
	return err
}

// delete deletes rows of the cluster, and waits for it.
func (s pruner) delete(ctx context.Context, t *tables.Table, where string) (deleted int64, err error) {
	where = s.own() + " AND (" + where + ")"
	if deleted, err = s.count(ctx, t, where); err != nil || deleted == 0 {
		return 0, err
	}
	// Each mutation rewrites parts: one at a time. One that runs may be another cluster's,
	// or this one of an earlier pass.
	_, err = awaitZero(ctx, func() (running int64, err error) {
		err = s.one(ctx, "SELECT toInt64(count()) FROM system.mutations WHERE is_done = 0 AND database = ? AND table IN (?, ?)", &running, s.conn.Address.Database, t.Rows(), t.Local())
		return running, err
	})
	if err != nil {
		return 0, err
	}
	if left, err := s.count(ctx, t, where); err != nil || left == 0 {
		return deleted, err
	}
	if err := s.alter(ctx, t, "DELETE WHERE "+where); err != nil {
		return 0, err
	}
	left, err := s.await(ctx, t, where)
	return deleted - left, err
}

// alter changes a table on every server. It does not wait for them: one that is dead
// follows when it is back.
func (s *Store) alter(ctx context.Context, t *tables.Table, change string) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"distributed_ddl_task_timeout": 0}))
	return s.conn.Exec(ctx, s.conn.Dialect.Alter(t)+" "+change)
}

// await waits until there are no rows, and returns how many are left if ctx ends.
func (s *Store) await(ctx context.Context, t *tables.Table, where string) (left int64, err error) {
	return awaitZero(ctx, func() (int64, error) { return s.count(ctx, t, where) })
}

// awaitZero waits until count returns zero, and returns the last count if ctx ends.
func awaitZero(ctx context.Context, count func() (int64, error)) (left int64, err error) {
	for {
		now, err := count()
		if err != nil {
			return left, err
		}
		if left = now; left == 0 {
			return 0, nil
		}
		select {
		case <-ctx.Done():
			return left, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *Store) count(ctx context.Context, t *tables.Table, where string) (n int64, err error) {
	err = s.one(ctx, "SELECT toInt64(count()) FROM "+t.Rows()+" WHERE "+where, &n)
	return n, err
}

// pruneNames deletes what is known of entities and incarnations that ended before all
// their samples were deleted; and if every kind has a limit, the ledger of that time.
func (s pruner) pruneNames(ctx context.Context) error {
	l := s.conn.Layout
	if _, err := s.delete(ctx, l.Entity, "last_seen != 0 AND ("+s.beforeLimits("last_seen")+")"); err != nil {
		return err
	}
	if limit, limited := s.limits[schema.Pod]; limited {
		if c, also := s.limits[schema.Container]; also {
			if _, err := s.delete(ctx, l.PodIdentity, fmt.Sprintf("valid_to != 0 AND valid_to < %d", min(limit, c))); err != nil {
				return err
			}
		}
	}
	if len(s.limits) < len(schema.Kinds()) {
		return nil
	}
	oldest := slices.Min(slices.Collect(maps.Values(s.limits)))
	// Lasting holes are recorded once, and the last pass is read by the next one.
	kept := []string{"0"}
	err := s.each(ctx, fmt.Sprintf("SELECT pass FROM hole_rows WHERE lasting = 1 AND %s UNION ALL SELECT max(id) FROM pass_rows WHERE %[1]s", s.own()), func(scan scanner) error {
		var id int64
		err := scan(&id)
		kept = append(kept, fmt.Sprint(id))
		return err
	})
	if err != nil {
		return err
	}
	var old []string
	err = s.each(ctx, fmt.Sprintf("SELECT DISTINCT id FROM pass_rows WHERE %s AND started < %d AND id NOT IN (%s) ORDER BY id LIMIT 20000", s.own(), oldest, strings.Join(kept, ", ")), func(scan scanner) error {
		var id int64
		err := scan(&id)
		old = append(old, fmt.Sprint(id))
		return err
	})
	if err != nil || len(old) == 0 {
		return err
	}
	ids := strings.Join(old, ", ")
	if _, err := s.delete(ctx, l.Hole, "pass IN ("+ids+")"); err != nil {
		return err
	}
	_, err = s.delete(ctx, l.Pass, "id IN ("+ids+")")
	return err
}

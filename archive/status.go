package archive

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"strings"

	"heapstash/schema"
)

// Status tells what an archive holds.
type Status struct {
	Path    string        `json:"path"`
	Bytes   int64         `json:"bytes"`   // on disk, the -wal or -journal file included
	Used    int64         `json:"used"`    // of the file, without its free pages
	Free    int64         `json:"free"`    // bytes that this user may fill on its file system, -1 if not known
	Version int           `json:"version"` // of the schema
	Kinds   []KindStatus  `json:"kinds"`
	Passes  []PassStatus  `json:"passes"` // the newest first
	Causes  []CauseStatus `json:"holes"`
	// Gaps are for whoever asks [Reader.Gaps] for them; nil otherwise.
	Gaps []Gap `json:"gaps,omitzero"`
	// Usage is for whoever asks [Reader.Usage] for it; nil otherwise.
	Usage *Usage `json:"usage,omitempty"`
}

// KindStatus tells what an archive holds of one kind in one cluster.
type KindStatus struct {
	Cluster  string      `json:"cluster"`
	Kind     schema.Kind `json:"kind"`
	Entities int         `json:"entities"`
	Listed   int         `json:"listed"` // at the last pass
	// Oldest and Newest bound its raw samples, None without one.
	Oldest schema.Instant `json:"oldest"`
	Newest schema.Instant `json:"newest"`
	// Hourly and Daily bound its rollups: when the first and the last hour or
	// day begin. They are nil without one.
	Hourly *Range `json:"hourly,omitempty"`
	Daily  *Range `json:"daily,omitempty"`
}

// Range is the time of a first and of a last row.
type Range struct {
	Oldest schema.Instant `json:"oldest"`
	Newest schema.Instant `json:"newest"`
}

// PassStatus is one line of the ledger.
type PassStatus struct {
	ID         schema.PassID  `json:"pass"`
	Cluster    string         `json:"cluster"`
	Started    schema.Instant `json:"started"` // on the local clock
	DurationMS int64          `json:"duration_ms"`
	Outcome    schema.Outcome `json:"outcome"`
	Error      string         `json:"error,omitempty"`
	New        int            `json:"samples_new"`
	Conflicts  int            `json:"conflicts"`
	GapSeconds int64          `json:"gap_seconds"`
}

// CauseStatus counts the holes of one cause.
type CauseStatus struct {
	Cause   schema.Cause   `json:"cause"`
	Lasting bool           `json:"lasting"`
	Holes   int            `json:"holes"`
	Seconds int64          `json:"seconds"` // lost, where that is known
	Last    schema.Instant `json:"last"`    // the start of the last pass that had one
}

// statusPasses is how many passes a status shows.
const statusPasses = 5

const (
	selectKinds = `SELECT cluster, kind, count(*), sum(last_seen IS NULL) FROM entity
		WHERE labels = '' GROUP BY cluster, kind`
	selectPasses = `SELECT id, cluster, started, ifnull(duration_ms, 0), outcome, ifnull(error, ''),
		ifnull(samples_new, 0), ifnull(conflicts, 0), ifnull(gap_seconds, 0) FROM pass ORDER BY id DESC LIMIT ?`
	selectCauses = `SELECT h.cause, h.lasting, count(*), ifnull(sum(h.to_ts - h.from_ts + 1), 0), max(p.started)
		FROM hole h JOIN pass p ON p.id = h.pass_id GROUP BY h.cause, h.lasting ORDER BY count(*) DESC`
)

// timeSpan finds an entity's first and last rows by key, one entity after the
// other: the whole cold table is never read. NAME stands for the table.
const timeSpan = `SELECT ifnull(min(first), 0), ifnull(max(last), 0) FROM (
	SELECT (SELECT min(ts) FROM NAME_cold WHERE entity_id = e.id) AS first,
		(SELECT max(ts) FROM NAME_cold WHERE entity_id = e.id) AS last
	FROM entity e WHERE e.cluster = ?1 AND e.kind = ?2
	UNION ALL
	SELECT min(s.ts), max(s.ts) FROM NAME_hot s JOIN entity e ON e.id = s.entity_id WHERE e.cluster = ?1)`

// rolledSpan is timeSpan for the rollups, which are in one table.
const rolledSpan = `SELECT ifnull(min(first), 0), ifnull(max(last), 0) FROM (
	SELECT (SELECT min(ts) FROM NAME WHERE entity_id = e.id) AS first,
		(SELECT max(ts) FROM NAME WHERE entity_id = e.id) AS last
	FROM entity e WHERE e.cluster = ?1 AND e.kind = ?2)`

// Status reads the archive's state.
func (r *Reader) Status(ctx context.Context) (Status, error) {
	s := Status{Free: -1, Path: r.path, Kinds: []KindStatus{}, Passes: []PassStatus{}, Causes: []CauseStatus{}}
	err := errors.Join(
		r.db.QueryRowContext(ctx, selectVersion).Scan(&s.Version),
		r.kinds(ctx, &s),
		r.ledger(ctx, &s),
		r.db.QueryRowContext(ctx, selectUsedBytes).Scan(&s.Used),
	)
	if err != nil {
		return Status{}, explain(r.path, err)
	}
	size, err := sizeOf(r.path)
	if err != nil {
		return Status{}, explain(r.path, err)
	}
	s.Bytes = size
	if free, err := FreeSpace(realFile(r.path)); err == nil {
		s.Free = free
	}
	return s, nil
}

// sizeOf returns the bytes of an archive and of its log or journal.
func sizeOf(path string) (int64, error) {
	var size int64
	file := realFile(path)
	for _, path := range []string{file, file + writeAheadLog, file + rollbackJournal} {
		info, err := os.Stat(path)
		switch {
		case err == nil:
			size += info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return 0, err
		}
	}
	return size, nil
}

func (r *Reader) kinds(ctx context.Context, s *Status) error {
	err := each(ctx, r.db, func(rows *sql.Rows) error {
		var k KindStatus
		err := rows.Scan(&k.Cluster, scanKind{&k.Kind}, &k.Entities, &k.Listed)
		s.Kinds = append(s.Kinds, k)
		return err
	}, selectKinds)
	if err != nil {
		return err
	}
	var rolled bool
	if err := r.db.QueryRowContext(ctx, hasRollups).Scan(&rolled); err != nil {
		return err
	}
	for i, k := range s.Kinds {
		query := strings.ReplaceAll(timeSpan, "NAME", k.Kind.String())
		err := r.db.QueryRowContext(ctx, query, k.Cluster, k.Kind.String()).Scan(&s.Kinds[i].Oldest, &s.Kinds[i].Newest)
		if err != nil {
			return err
		}
		if !rolled {
			continue
		}
		for level, to := range map[schema.Level]**Range{schema.Hourly: &s.Kinds[i].Hourly, schema.Daily: &s.Kinds[i].Daily} {
			var span Range
			query := strings.ReplaceAll(rolledSpan, "NAME", closedRows(k.Kind.String(), level))
			if err := r.db.QueryRowContext(ctx, query, k.Cluster, k.Kind.String()).Scan(&span.Oldest, &span.Newest); err != nil {
				return err
			}
			if span.Oldest != 0 {
				*to = &span
			}
		}
	}
	return nil
}

func (r *Reader) ledger(ctx context.Context, s *Status) error {
	err := each(ctx, r.db, func(rows *sql.Rows) error {
		var p PassStatus
		err := rows.Scan(&p.ID, &p.Cluster, &p.Started, &p.DurationMS, &p.Outcome, &p.Error,
			&p.New, &p.Conflicts, &p.GapSeconds)
		s.Passes = append(s.Passes, p)
		return err
	}, selectPasses, statusPasses)
	if err != nil {
		return err
	}
	return each(ctx, r.db, func(rows *sql.Rows) error {
		var c CauseStatus
		err := rows.Scan(&c.Cause, &c.Lasting, &c.Holes, &c.Seconds, &c.Last)
		s.Causes = append(s.Causes, c)
		return err
	}, selectCauses)
}

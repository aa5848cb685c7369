package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	mathrand "math/rand/v2"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/schema"
)

// silence is how long a running pass may write nothing until another pass takes its
// process for dead. If it was alive, [Store.EndPass] corrects that.
const silence = 10 * time.Minute

// died is the error of a pass whose process died.
const died = "the process died in this pass"

// pass is a row of the table pass.
type pass struct {
	id                                      int64
	process                                 string // random
	cluster, version                        string
	outcome, failure                        string
	started, alive                          int64 // local clock
	added, duplicates, conflicts            int64
	finished, durationMS                    *int64
	requests, bytes, entities, newest, hori *int64
	gapSeconds                              *int64
	begun                                   uint64 // revision of its first row
}

const selectPasses = `SELECT id, process, cluster, version, outcome, error, started, alive, samples_new, samples_duplicate, conflicts,
	finished, duration_ms, requests, bytes, entities, newest, horizon, gap_seconds FROM pass_rows FINAL WHERE deleted = 0`

func (p *pass) scan(scan scanner) error {
	return scan(&p.id, &p.process, &p.cluster, &p.version, &p.outcome, &p.failure, &p.started, &p.alive, &p.added, &p.duplicates, &p.conflicts,
		&p.finished, &p.durationMS, &p.requests, &p.bytes, &p.entities, &p.newest, &p.hori, &p.gapSeconds)
}

func (p *pass) values() []any {
	return []any{
		p.id, p.process, p.cluster, p.version, p.outcome, p.failure, p.started, p.alive, p.added, p.duplicates, p.conflicts,
		p.finished, p.durationMS, p.requests, p.bytes, p.entities, p.newest, p.hori, p.gapSeconds,
	}
}

// BeginPass opens a pass's line in the ledger. It marks lines as abandoned that are open
// and have not changed for ten minutes: their processes died. It reads p's Cluster,
// Version and Started.
func (s *Store) BeginPass(ctx context.Context, p archive.Pass) (id archive.PassID, err error) {
	err = s.retry(ctx, func() (err error) {
		id, err = s.beginPass(ctx, p)
		return err
	})
	return id, err
}

func (s *Store) beginPass(ctx context.Context, p archive.Pass) (archive.PassID, error) {
	if err := s.overtake(ctx, p.Cluster); err != nil {
		return 0, err
	}
	now := time.Now().Unix()
	d := make(drafts)
	err := s.each(ctx, selectPasses+" AND outcome = 'running' AND alive < ?", func(scan scanner) error {
		var dead pass
		if err := dead.scan(scan); err != nil {
			return err
		}
		dead.outcome, dead.failure = string(archive.OutcomeAbandoned), died
		d.put(s.conn.Layout.Pass, dead.values()...)
		return nil
	}, now-int64(silence/time.Second))
	if err != nil {
		return 0, err
	}
	if err := d.insert(ctx, s.conn, s.conn.Layout.Pass); err != nil {
		return 0, err
	}
	own := &pass{
		process: rand.Text(), cluster: p.Cluster, version: p.Version, outcome: string(archive.OutcomeRunning),
		started: p.Started.Unix(), alive: now, begun: conn.Revision(),
	}
	for {
		taken, err := s.takeID(ctx, own)
		if err != nil {
			return 0, err
		}
		if taken {
			break
		}
		// Another pass has taken the same id, and gives it up as well.
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Duration(mathrand.IntN(500)) * time.Millisecond):
		}
	}
	s.pass = own
	return archive.PassID(own.id), nil
}

// takeID gives the pass the next id, unless another process takes it at the same time.
func (s *Store) takeID(ctx context.Context, p *pass) (taken bool, err error) {
	t := s.conn.Layout.Pass
	if err := s.one(ctx, "SELECT max(id) FROM pass_rows", &p.id); err != nil {
		return false, err
	}
	p.id++
	d := make(drafts)
	d.put(t, p.values()...)
	if err := d.insert(ctx, s.conn, t); err != nil {
		return false, err
	}
	if err := s.settle(ctx, t); err != nil {
		return false, err
	}
	var others uint64
	err = s.one(ctx, "SELECT count() FROM pass_rows WHERE id = ? AND process != ?", &others, p.id, p.process)
	if err != nil || others == 0 {
		return err == nil, err
	}
	d.delete(t, p.id, p.process)
	return false, d.insert(ctx, s.conn, t)
}

// one scans the only row of a statement's result.
func (s *Store) one(ctx context.Context, statement string, into any, args ...any) error {
	return s.each(ctx, statement, func(scan scanner) error { return scan(into) }, args...)
}

// overtake makes this process's revisions greater than those of the cluster's rows: the
// clock of the machine that wrote them may be ahead.
func (s *Store) overtake(ctx context.Context, cluster string) error {
	l := s.conn.Layout
	var arms []string
	for _, t := range []string{l.Entity.Rows(), l.PodIdentity.Rows(), l.NamespaceLabel.Rows(), l.NamespaceID.Rows(), l.Watermark.Rows(), l.ClusterState.Rows()} {
		arms = append(arms, "SELECT max(revision) AS greatest FROM "+t+" WHERE cluster = ?")
	}
	args := make([]any, len(arms))
	for i := range args {
		args[i] = cluster
	}
	arms = append(arms, "SELECT max(revision) AS greatest FROM "+l.Pass.Rows())
	var seen uint64
	if err := s.one(ctx, "SELECT max(greatest) FROM ("+strings.Join(arms, " UNION ALL ")+")", &seen, args...); err != nil {
		return err
	}
	conn.Overtake(seen)
	return nil
}

// EndPass closes the pass's line and records its holes, except lasting holes that are in
// the ledger already. It ignores p's counts of samples: [Store.Write] has stored them.
func (s *Store) EndPass(ctx context.Context, p archive.Pass, holes []archive.Hole) error {
	return s.retry(ctx, func() error { return s.endPass(ctx, p, holes) })
}

func (s *Store) endPass(ctx context.Context, p archive.Pass, holes []archive.Hole) error {
	own, err := s.find(ctx, p.ID)
	if err != nil {
		return err
	}
	d := make(drafts)
	if err := s.putHoles(ctx, d, p.ID, p.Cluster, holes); err != nil {
		return err
	}
	own.outcome, own.failure, own.alive = string(p.Outcome), p.Error, time.Now().Unix()
	own.finished, own.durationMS = number(p.Finished.Unix()), number(p.Finished.Sub(p.Started).Round(time.Millisecond).Milliseconds())
	own.requests, own.bytes, own.entities = number(p.Requests), number(p.Bytes), number(int64(p.Entities))
	own.newest, own.hori = unlessZero(p.Newest), unlessZero(p.Horizon)
	own.gapSeconds = number(int64(p.Gap / time.Second))
	d.put(s.conn.Layout.Pass, own.values()...)
	if err := d.insert(ctx, s.conn, s.conn.Layout.Hole, s.conn.Layout.Pass); err != nil {
		return err
	}
	return s.settle(ctx, s.conn.Layout.Pass)
}

func number(n int64) *int64 { return &n }

func unlessZero(at schema.Instant) *int64 {
	if at == 0 {
		return nil
	}
	return number(int64(at))
}

// find returns the pass's row.
func (s *Store) find(ctx context.Context, id archive.PassID) (*pass, error) {
	if s.pass != nil && s.pass.id == int64(id) {
		return s.pass, nil
	}
	var found pass
	err := s.each(ctx, selectPasses+" AND id = ?", found.scan, int64(id))
	if err == nil && found.id == 0 {
		err = fmt.Errorf("there is no pass %d", id)
	}
	return &found, err
}

// abandonOwn marks the store's pass as abandoned if it has not ended.
func (s *Store) abandonOwn() error {
	if s.pass == nil || s.pass.outcome != string(archive.OutcomeRunning) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.pass.outcome, s.pass.failure = string(archive.OutcomeAbandoned), died
	d := make(drafts)
	d.put(s.conn.Layout.Pass, s.pass.values()...)
	return s.conn.Explain(d.insert(ctx, s.conn, s.conn.Layout.Pass))
}

// putHoles adds the holes, except lasting ones that are in the ledger already.
func (s *Store) putHoles(ctx context.Context, d drafts, pass archive.PassID, cluster string, holes []archive.Hole) error {
	type limitation struct {
		entity schema.Entity
		metric schema.MetricName
		cause  archive.Cause
	}
	var recorded map[limitation]bool
	for _, h := range holes {
		if h.Lasting && recorded == nil {
			recorded = make(map[limitation]bool)
			err := s.each(ctx, "SELECT "+entityNames+", metric, cause FROM hole_rows FINAL WHERE deleted = 0 AND lasting = 1 AND cluster = ?", func(scan scanner) error {
				var l limitation
				err := scanEntity(scan, &l.entity, (*string)(&l.metric), (*string)(&l.cause))
				recorded[l] = true
				return err
			}, cluster)
			if err != nil {
				return err
			}
		}
		lasting := int64(0)
		if h.Lasting {
			l := limitation{h.Entity, h.Metric, h.Cause}
			if recorded[l] {
				continue
			}
			recorded[l], lasting = true, 1
		}
		row := append([]any{int64(pass)}, namesOf(cluster, h.Entity)...)
		d.put(s.conn.Layout.Hole, append(row, string(h.Metric), string(h.Cause), h.Detail, int64(h.Window.From), int64(h.Window.To), lasting)...)
	}
	return nil
}

// rivals reports whether another pass of the cluster has written since this one began.
func (s *Store) rivals(ctx context.Context, own *pass) (bool, error) {
	if own.begun == 0 {
		return true, nil
	}
	var n uint64
	err := s.one(ctx, "SELECT count() FROM pass_rows FINAL WHERE deleted = 0 AND cluster = ? AND process != ? AND (revision > ? OR outcome = 'running')", &n, own.cluster, own.process, own.begun)
	return n > 0, err
}

var errUnstable = errors.New("other passes of the cluster write the same rows again and again")

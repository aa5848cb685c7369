package clickhouse

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/transfer"
	"heapstash/schema"
)

// Source is the state of an archive that is copied: its samples are those of one moment.
// One goroutine at a time may use it.
type Source struct {
	archive.Samples
	store *Store
}

var _ transfer.Source = (*Source)(nil)

// NewSource returns the source with the samples, which it closes.
func NewSource(ctx context.Context, address string, opts conn.Options, samples archive.Samples) (*Source, error) {
	c, info, err := conn.Open(ctx, address, opts)
	if err != nil {
		return nil, errors.Join(err, samples.Close())
	}
	return &Source{samples, &Store{conn: c, info: info, metrics: make(map[schema.MetricName]bool), clusters: make(map[string]*known)}}, nil
}

// Close closes the samples and the connections.
func (s *Source) Close() error { return errors.Join(s.Samples.Close(), s.store.Close()) }

// Clusters implements [transfer.Source].
func (s *Source) Clusters(ctx context.Context) (names []string, err error) {
	err = s.store.each(ctx, `SELECT cluster FROM (SELECT cluster FROM entity_rows UNION ALL SELECT cluster FROM pass_rows UNION ALL SELECT cluster FROM cluster_state_rows)
		GROUP BY cluster ORDER BY cluster`, func(scan scanner) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	return names, s.store.conn.Explain(err)
}

// Span implements [transfer.Source].
func (s *Source) Span(ctx context.Context) (span schema.Window, err error) {
	l := s.store.conn.Layout
	arms := []string{}
	for _, t := range append(l.Wide[:len(l.Wide):len(l.Wide)], l.Narrow) {
		arms = append(arms, "SELECT min(ts) AS first, max(ts) AS last FROM "+t.Rows()+" HAVING count() > 0")
	}
	err = s.store.each(ctx, "SELECT min(first), max(last) FROM ("+strings.Join(arms, " UNION ALL ")+")", func(scan scanner) error {
		return scan((*int64)(&span.From), (*int64)(&span.To))
	})
	return span, s.store.conn.Explain(err)
}

// Memory implements [transfer.Source].
func (s *Source) Memory(ctx context.Context, cluster string) (archive.Memory, error) {
	return s.store.Memory(ctx, cluster)
}

// Records implements [transfer.Source].
func (s *Source) Records(ctx context.Context, cluster string) iter.Seq2[transfer.Record, error] {
	return transfer.Records(cluster, func(r *transfer.Recorder) error {
		for _, read := range []func(context.Context, string, *transfer.Recorder) error{s.lifetimes, s.identities, s.labels, s.passes} {
			if err := read(ctx, cluster, r); err != nil {
				return err
			}
		}
		return nil
	}, s.store.conn.Explain)
}

func (s *Source) lifetimes(ctx context.Context, cluster string, r *transfer.Recorder) error {
	return s.store.each(ctx, "SELECT "+entityNames+", first_seen, last_seen FROM entity_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var l transfer.Lifetime
		err := scanEntity(scan, &l.Entity, (*int64)(&l.First), (*int64)(&l.Last))
		r.Record.Entities = append(r.Record.Entities, l)
		return errors.Join(err, r.Added(1))
	}, cluster)
}

func (s *Source) identities(ctx context.Context, cluster string, r *transfer.Recorder) error {
	return s.store.each(ctx, `SELECT namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from, valid_to FROM pod_identity_rows FINAL
		WHERE deleted = 0 AND cluster = ? ORDER BY namespace, pod, valid_from`, func(scan scanner) error {
		i := transfer.Identity{Identity: schema.Identity{Pod: schema.Entity{Kind: schema.Pod}}}
		err := scan(&i.Pod.Namespace, &i.Pod.Pod, &i.UID, &i.Node, &i.Identity.Labels, &i.Images, &i.Owner.Kind, &i.Owner.Name, (*int64)(&i.Since), (*int64)(&i.To))
		r.Record.Identities = append(r.Record.Identities, i)
		return errors.Join(err, r.Added(1))
	}, cluster)
}

func (s *Source) labels(ctx context.Context, cluster string, r *transfer.Recorder) error {
	return s.store.each(ctx, "SELECT namespace, labels, valid_from, valid_to FROM namespace_label_rows FINAL WHERE deleted = 0 AND cluster = ? ORDER BY namespace, valid_from", func(scan scanner) error {
		var l transfer.Labels
		err := scan(&l.Namespace, &l.Labels, (*int64)(&l.From), (*int64)(&l.To))
		r.Record.Labels = append(r.Record.Labels, l)
		return errors.Join(err, r.Added(1))
	}, cluster)
}

// passes reads the ended passes. Holes and conflicts are few: they are in memory.
func (s *Source) passes(ctx context.Context, cluster string, r *transfer.Recorder) error {
	holes, err := s.holes(ctx, cluster)
	if err != nil {
		return err
	}
	conflicts, err := s.conflicts(ctx, cluster)
	if err != nil {
		return err
	}
	return s.store.each(ctx, selectPasses+" AND cluster = ? AND outcome != 'running' ORDER BY id", func(scan scanner) error {
		var row pass
		if err := row.scan(scan); err != nil {
			return err
		}
		p := row.told()
		p.Holes, p.Conflicts = holes[p.ID], conflicts[p.ID]
		r.Record.Passes = append(r.Record.Passes, p)
		return r.Added(1 + len(p.Holes) + len(p.Conflicts))
	}, cluster)
}

// told returns the pass without holes and conflicts.
func (p *pass) told() (t transfer.Pass) {
	of := func(n *int64) int64 {
		if n == nil {
			return 0
		}
		return *n
	}
	t.ID, t.Cluster, t.Version, t.Outcome, t.Error = archive.PassID(p.id), p.cluster, p.version, archive.Outcome(p.outcome), p.failure
	t.Requests, t.Bytes, t.Entities = of(p.requests), of(p.bytes), int(of(p.entities))
	t.New, t.Duplicates, t.Pass.Conflicts = int(p.added), int(p.duplicates), int(p.conflicts)
	t.Newest, t.Horizon = schema.Instant(of(p.newest)), schema.Instant(of(p.hori))
	t.Gap = time.Duration(of(p.gapSeconds)) * time.Second
	t.Started = time.Unix(p.started, 0).UTC()
	if p.finished != nil { // the ledger has whole seconds, and the length in milliseconds
		took := time.Duration(of(p.durationMS)) * time.Millisecond
		t.Started = t.Started.Add(max(time.Unix(*p.finished, 0).Sub(t.Started)-took, 0))
		t.Finished = t.Started.Add(took)
	}
	return t
}

func (s *Source) holes(ctx context.Context, cluster string) (map[archive.PassID][]archive.Hole, error) {
	all := make(map[archive.PassID][]archive.Hole)
	return all, s.store.each(ctx, "SELECT "+entityNames+", metric, cause, detail, from_ts, to_ts, lasting, pass FROM hole_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var h archive.Hole
		var lasting, id int64
		err := scanEntity(scan, &h.Entity, (*string)(&h.Metric), (*string)(&h.Cause), &h.Detail, (*int64)(&h.Window.From), (*int64)(&h.Window.To), &lasting, &id)
		h.Lasting = lasting != 0
		all[archive.PassID(id)] = append(all[archive.PassID(id)], h)
		return err
	}, cluster)
}

func (s *Source) conflicts(ctx context.Context, cluster string) (map[archive.PassID][]archive.Conflict, error) {
	all := make(map[archive.PassID][]archive.Conflict)
	return all, s.store.each(ctx, "SELECT "+entityNames+", metric, ts, kept_integer, refused_integer, kept_float, refused_float, pass FROM conflict_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var c archive.Conflict
		var integers [2]*int64
		var floats [2]*float64
		var id int64
		err := scanEntity(scan, &c.Entity, (*string)(&c.Metric), (*int64)(&c.At), &integers[0], &integers[1], &floats[0], &floats[1], &id)
		c.Kept, c.Refused = oneOf(integers[0], floats[0]).value, oneOf(integers[1], floats[1]).value
		all[archive.PassID(id)] = append(all[archive.PassID(id)], c)
		return err
	}, cluster)
}

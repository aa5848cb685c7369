package archivetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// InMemory is an archive in memory. It is safe for concurrent use. It keeps no
// rollups.
type InMemory struct {
	mu       sync.Mutex
	samples  map[sampleKey]schema.Value
	passes   []archive.Pass // the i-th has the id i+1
	holes    []passHole
	clusters map[string]*remembered
}

type passHole struct {
	pass archive.PassID
	archive.Hole
}

// remembered is what the archive knows of a cluster.
type remembered struct {
	horizon    schema.Instant
	watermarks map[schema.Scope]schema.Instant
	asked      map[schema.Scope]map[schema.MetricName]bool
	entities   map[schema.Entity]schema.Instant // until when they were listed; None if they are
	carried    map[schema.Entity][]schema.MetricName
	identities map[schema.Entity][]incarnation
	labels     map[string]string
	ids        map[string]string
}

// incarnation is a pod that had a name up to a moment; None if it still has the name.
type incarnation struct {
	schema.Identity
	until schema.Instant
}

// NewInMemory returns an empty archive.
func NewInMemory() *InMemory {
	return &InMemory{samples: make(map[sampleKey]schema.Value), clusters: make(map[string]*remembered)}
}

// Engine is the archive as [Run] takes it.
func (m *InMemory) Engine() Engine {
	return Engine{
		Store:  func(_ context.Context, r archive.Retention) (Store, error) { return memoryStore{m, r}, nil },
		Reader: func(context.Context) (Reader, error) { return m, nil },
	}
}

// memoryStore is an [InMemory] that is open for a pass.
type memoryStore struct {
	*InMemory
	retention archive.Retention
}

// Close does nothing.
func (m *InMemory) Close() error { return nil }

func (m *InMemory) of(cluster string) *remembered {
	r := m.clusters[cluster]
	if r == nil {
		r = &remembered{
			watermarks: make(map[schema.Scope]schema.Instant), asked: make(map[schema.Scope]map[schema.MetricName]bool),
			entities: make(map[schema.Entity]schema.Instant), carried: make(map[schema.Entity][]schema.MetricName),
			identities: make(map[schema.Entity][]incarnation), labels: make(map[string]string), ids: make(map[string]string),
		}
		m.clusters[cluster] = r
	}
	return r
}

// BeginPass opens a line of the ledger.
func (m *InMemory) BeginPass(_ context.Context, p archive.Pass) (archive.PassID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.passes {
		if m.passes[i].Outcome == archive.OutcomeRunning {
			m.passes[i].Outcome, m.passes[i].Error = archive.OutcomeAbandoned, "the process died in this pass"
		}
	}
	p.ID, p.Outcome = archive.PassID(len(m.passes)+1), archive.OutcomeRunning
	m.passes = append(m.passes, p)
	return p.ID, nil
}

// EndPass closes it.
func (m *InMemory) EndPass(_ context.Context, p archive.Pass, holes []archive.Hole) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	line := &m.passes[p.ID-1]
	p.New, p.Duplicates, p.Conflicts = line.New, line.Duplicates, line.Conflicts
	*line = p
	m.record(p.ID, p.Cluster, holes)
	return nil
}

func (m *InMemory) record(pass archive.PassID, cluster string, holes []archive.Hole) {
	for _, h := range holes {
		known := slices.ContainsFunc(m.holes, func(other passHole) bool {
			return other.Lasting && m.passes[other.pass-1].Cluster == cluster && other.Entity == h.Entity && other.Metric == h.Metric && other.Cause == h.Cause
		})
		if !h.Lasting || !known {
			m.holes = append(m.holes, passHole{pass, h})
		}
	}
}

// Write stores the batch.
func (m *InMemory) Write(ctx context.Context, b archive.Batch) (w archive.Written, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return w, err
	}
	r := m.of(b.Cluster)
	for _, row := range b.Rows {
		if row.At <= 0 || len(row.Readings) == 0 {
			continue
		}
		r.know(row.Entity)
		for _, reading := range row.Readings {
			c := sampleKey{b.Cluster, row.Entity, reading.Metric, row.At}
			stored, known := m.samples[c]
			if !known {
				m.samples[c] = reading.Value
				w.New++
				continue
			}
			stays, verdict := stored.Meet(reading.Value)
			m.samples[c] = stays
			if verdict == schema.Conflicting {
				w.Conflicts++
			} else {
				w.Duplicates++
			}
		}
	}
	r.remember(b)
	m.record(b.Pass, b.Cluster, b.Holes)
	line := &m.passes[b.Pass-1]
	line.New, line.Duplicates, line.Conflicts = line.New+w.New, line.Duplicates+w.Duplicates, line.Conflicts+w.Conflicts
	return w, nil
}

func (r *remembered) know(e schema.Entity) {
	if _, known := r.entities[e]; !known {
		r.entities[e] = 0
	}
}

func (r *remembered) remember(b archive.Batch) {
	for _, e := range b.Appeared {
		r.entities[e] = 0
	}
	for e, at := range b.Vanished {
		r.entities[e] = at
		r.endIdentity(e, at)
	}
	for _, i := range b.Identities {
		r.know(i.Pod)
		r.identify(i)
	}
	for namespace, labels := range b.NamespaceLabels {
		if labels == "" {
			delete(r.labels, namespace)
		} else {
			r.labels[namespace] = labels
		}
	}
	if b.NamespaceIDs != nil {
		r.ids = maps.Clone(b.NamespaceIDs)
	}
	if b.Horizon > 0 {
		r.horizon = b.Horizon
		maps.DeleteFunc(r.watermarks, func(_ schema.Scope, at schema.Instant) bool { return at > b.Horizon })
	}
	for scope, at := range b.Watermarks {
		if r.watermarks[scope] = at; at == 0 {
			delete(r.watermarks, scope)
		}
	}
	for scope, metrics := range b.Asked {
		if r.asked[scope] == nil {
			r.asked[scope] = make(map[schema.MetricName]bool)
		}
		for _, metric := range metrics {
			r.asked[scope][metric] = true
		}
	}
	for e, metrics := range b.Carried {
		r.know(e)
		for _, metric := range metrics {
			if !slices.Contains(r.carried[e], metric) {
				r.carried[e] = append(r.carried[e], metric)
			}
		}
	}
}

func (r *remembered) endIdentity(e schema.Entity, at schema.Instant) {
	for i := range r.identities[e] {
		if one := &r.identities[e][i]; one.until == 0 {
			one.until = max(one.Since, at)
		}
	}
}

// identify notes an identity of a pod. It replaces identities that begin at the same
// moment or later.
func (r *remembered) identify(i schema.Identity) {
	all := r.identities[i.Pod]
	for _, one := range all {
		if one.UID == i.UID {
			i.Since = one.Since
		}
	}
	all = slices.DeleteFunc(all, func(one incarnation) bool { return one.UID == i.UID || one.Since >= i.Since })
	for j := range all {
		if all[j].until == 0 || all[j].until >= i.Since {
			all[j].until = i.Since - 1
		}
	}
	r.identities[i.Pod] = append(all, incarnation{Identity: i})
}

// Memory returns what is known of the cluster.
func (m *InMemory) Memory(_ context.Context, cluster string) (archive.Memory, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.of(cluster)
	known := archive.Memory{
		Horizon: r.horizon, Watermarks: maps.Clone(r.watermarks), Asked: make(map[schema.Scope]map[schema.MetricName]bool),
		Entities: make(map[schema.Entity]schema.Instant), Carried: make(map[schema.Entity][]schema.MetricName),
		Identities: make(map[schema.Entity]schema.Identity), NamespaceLabels: maps.Clone(r.labels), NamespaceIDs: maps.Clone(r.ids),
	}
	for scope, metrics := range r.asked {
		known.Asked[scope] = maps.Clone(metrics)
	}
	for e, until := range r.entities {
		if until != 0 && until < r.horizon.Add(-archive.Recently) {
			continue
		}
		known.Entities[e] = until
		if metrics := r.carried[e]; len(metrics) > 0 {
			known.Carried[e] = slices.Clone(metrics)
		}
		for _, one := range r.identities[e] {
			if one.until == 0 {
				known.Identities[e] = one.Identity
			}
		}
	}
	for _, p := range m.passes {
		if p.Cluster != cluster || p.Outcome == archive.OutcomeRunning {
			continue
		}
		known.Failure = p.Error
		if r.horizon > 0 && (p.Horizon == r.horizon || p.Horizon == 0 && p.Outcome == archive.OutcomeAbandoned) {
			known.Passed = p.Started.Truncate(time.Second)
		}
	}
	return known, nil
}

// Upkeep deletes the samples that are older than they are kept.
func (m memoryStore) Upkeep(_ context.Context, now schema.Instant) (done archive.Upkeep, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.samples {
		keep := m.retention[archive.Raw][c.Entity.Kind]
		if keep > 0 && c.At < now.Add(-max(keep, archive.LeastRetention(archive.Raw))) {
			delete(m.samples, c)
			done.Deleted++
		}
	}
	return done, nil
}

package clickhouse

import (
	"context"
	"time"

	"heapstash/archive"
	"heapstash/schema"
)

// recent is the condition on entities that are listed, or vanished recently.
const recent = "cluster = ? AND deleted = 0 AND (last_seen = 0 OR last_seen >= ?)"

// Memory returns the archive's memory of the cluster. It is empty for an unknown cluster.
func (s *Store) Memory(ctx context.Context, cluster string) (m archive.Memory, err error) {
	err = s.retry(ctx, func() (err error) {
		m, err = s.memory(ctx, cluster)
		return err
	})
	if err != nil {
		return archive.Memory{}, err
	}
	return m, nil
}

func (s *Store) memory(ctx context.Context, cluster string) (m archive.Memory, err error) {
	m = archive.Memory{
		Asked:      make(map[schema.Scope]map[schema.MetricName]bool),
		Entities:   make(map[schema.Entity]schema.Instant),
		Carried:    make(map[schema.Entity][]schema.MetricName),
		Identities: make(map[schema.Entity]schema.Identity),

		NamespaceLabels: make(map[string]string),
	}
	if m.Horizon, _, err = s.state(ctx, cluster); err != nil {
		return m, err
	}
	if m.Watermarks, err = s.watermarks(ctx, cluster); err != nil {
		return m, err
	}
	if err := s.readPasses(ctx, cluster, &m); err != nil {
		return m, err
	}
	k := s.of(cluster)
	err = s.each(ctx, "SELECT kind, name, part, metric FROM asked_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var scope schema.Scope
		var metric string
		if err := scanScope(scan, &scope, &metric); err != nil {
			return err
		}
		add(m.Asked, scope, schema.MetricName(metric))
		add(k.asked, scope, schema.MetricName(metric))
		return nil
	}, cluster)
	if err != nil {
		return m, err
	}
	err = s.each(ctx, "SELECT namespace, labels FROM namespace_label_rows FINAL WHERE deleted = 0 AND cluster = ? AND valid_to = 0", func(scan scanner) error {
		var namespace, labels string
		err := scan(&namespace, &labels)
		m.NamespaceLabels[namespace] = labels
		return err
	}, cluster)
	if err != nil {
		return m, err
	}
	if m.NamespaceIDs, err = s.namespaceIDs(ctx, cluster); err != nil {
		return m, err
	}
	return m, s.recentEntities(ctx, cluster, &m)
}

// add adds a metric to the set of the key.
func add[K comparable](sets map[K]map[schema.MetricName]bool, key K, m schema.MetricName) {
	if sets[key] == nil {
		sets[key] = make(map[schema.MetricName]bool)
	}
	sets[key][m] = true
}

func scanScope(scan scanner, scope *schema.Scope, rest ...any) error {
	var kind string
	err := scan(append([]any{&kind, &scope.Name, (*string)(&scope.Part)}, rest...)...)
	if err == nil {
		scope.Kind, err = schema.ParseKind(kind)
	}
	return err
}

// state reads the cluster's horizon, and the time of its newest row.
func (s *Store) state(ctx context.Context, cluster string) (horizon schema.Instant, newest int64, err error) {
	err = s.each(ctx, "SELECT horizon, newest FROM cluster_state_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		return scan((*int64)(&horizon), &newest)
	}, cluster)
	return horizon, newest, err
}

func (s *Store) watermarks(ctx context.Context, cluster string) (map[schema.Scope]schema.Instant, error) {
	all := make(map[schema.Scope]schema.Instant)
	return all, s.each(ctx, "SELECT kind, name, part, ts FROM watermark_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var scope schema.Scope
		var at int64
		err := scanScope(scan, &scope, &at)
		all[scope] = schema.Instant(at)
		return err
	}, cluster)
}

func (s *Store) namespaceIDs(ctx context.Context, cluster string) (map[string]string, error) {
	all := make(map[string]string)
	return all, s.each(ctx, "SELECT id, namespace FROM namespace_id_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var id, namespace string
		err := scan(&id, &namespace)
		all[id] = namespace
		return err
	}, cluster)
}

// readPasses reads when the pass of the horizon began, and why the last pass failed. A
// pass that died knows no horizon: it may be the one.
func (s *Store) readPasses(ctx context.Context, cluster string, m *archive.Memory) error {
	own := int64(0)
	if s.pass != nil {
		own = s.pass.id
	}
	ended := false
	return s.each(ctx, selectPasses+" AND cluster = ? AND id != ? ORDER BY id DESC LIMIT 1000", func(scan scanner) error {
		var p pass
		if err := p.scan(scan); err != nil {
			return err
		}
		if !ended && p.outcome != string(archive.OutcomeRunning) {
			ended, m.Failure = true, p.failure
		}
		unended := p.hori == nil && (p.outcome == string(archive.OutcomeAbandoned) || p.outcome == string(archive.OutcomeRunning))
		if m.Horizon > 0 && m.Passed.IsZero() && (unended || p.hori != nil && *p.hori == int64(m.Horizon)) {
			m.Passed = time.Unix(p.started, 0).UTC()
		}
		return nil
	}, cluster, own)
}

func (s *Store) recentEntities(ctx context.Context, cluster string, m *archive.Memory) error {
	k, since := s.of(cluster), int64(m.Horizon.Add(-archive.Recently))
	err := s.each(ctx, "SELECT "+entityNames+", first_seen, last_seen FROM entity_rows FINAL WHERE "+recent, func(scan scanner) error {
		var e schema.Entity
		var seen entity
		err := scanEntity(scan, &e, (*int64)(&seen.firstSeen), (*int64)(&seen.lastSeen))
		m.Entities[e], k.entities[e] = seen.lastSeen, seen
		return err
	}, cluster, since)
	if err != nil {
		return err
	}
	// Few entities carry rare metrics: those of all are fewer than the entities.
	err = s.each(ctx, "SELECT "+entityNames+", metric FROM carried_rows FINAL WHERE deleted = 0 AND cluster = ?", func(scan scanner) error {
		var e schema.Entity
		var metric string
		err := scanEntity(scan, &e, &metric)
		if _, known := m.Entities[e]; known && err == nil {
			m.Carried[e] = append(m.Carried[e], schema.MetricName(metric))
			add(k.carried, e, schema.MetricName(metric))
		}
		return err
	}, cluster)
	if err != nil {
		return err
	}
	return s.each(ctx, "SELECT namespace, pod, uid, node, labels, images, owner_kind, owner, valid_from FROM pod_identity_rows FINAL WHERE deleted = 0 AND cluster = ? AND valid_to = 0", func(scan scanner) error {
		i := schema.Identity{Pod: schema.Entity{Kind: schema.Pod}}
		err := scan(&i.Pod.Namespace, &i.Pod.Pod, &i.UID, &i.Node, &i.Labels, &i.Images, &i.Owner.Kind, &i.Owner.Name, (*int64)(&i.Since))
		if _, known := m.Entities[i.Pod]; known && err == nil {
			m.Identities[i.Pod] = i
		}
		return err
	}, cluster)
}

package read

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Samples reads an archive's samples as they were at one moment, in constant
// memory: what it keeps is a few words for each entity of which there are
// samples of the last hour or two. Use it from one goroutine.
type Samples struct {
	path      string
	ctx       context.Context
	selection archive.Selection
	layout    tables.Layout
	tx        conn.Prepared
	metrics   []namedMetric
	hot       map[string]map[int64]bool // by table: the entities with hot rows
	counts    map[string]int            // how many entities each query has, that are wanted
	done, of  int                       // entities
}

// namedMetric is a metric that the archive has, or could have.
type namedMetric struct {
	id   int64
	name schema.MetricName
}

// OpenSamples begins a reading that ends with ctx or [Samples.Close]. Until
// then it keeps nobody from writing, unless the archive has a rollback journal
// ([FileSystem.WriteAhead]), but the -wal file only grows.
func OpenSamples(ctx context.Context, r *conn.Reader, selection archive.Selection) (*Samples, error) {
	tx, err := r.Db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, conn.Explain(r.Path, err)
	}
	s := &Samples{
		path: r.Path, ctx: ctx, selection: selection, layout: tables.NewLayout(),
		tx: conn.Prepare(ctx, tx), hot: make(map[string]map[int64]bool), counts: make(map[string]int),
	}
	if s.selection.Window.To == 0 {
		s.selection.Window.To = math.MaxInt64
	}
	if s.selection.Level == "" {
		s.selection.Level = archive.Raw
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(conn.Explain(r.Path, err), s.Close())
	}
	return s, nil
}

// Close ends the reading.
func (s *Samples) Close() error { return s.tx.Tx.Rollback() }

const (
	selectMetricNames  = `SELECT id, name FROM metric ORDER BY name`
	selectSubjects     = `SELECT id, cluster, kind, namespace, pod, container, node, labels FROM entity `
	inOrder            = ` ORDER BY id`
	selectIncarnations = `SELECT i.uid, i.node, i.labels, i.images, i.valid_from, ifnull(i.valid_to, 0)
		FROM entity e JOIN pod_identity i ON i.entity_id = e.id WHERE e.kind = 'pod' AND e.namespace = ? AND e.pod = ? AND e.container = '' AND e.node = '' AND e.labels = ''
		AND e.cluster = ? ORDER BY i.valid_from`
)

// load reads what is small.
func (s *Samples) load() error {
	err := conn.Each(s.tx.Ctx, s.tx.Tx, func(rows *sql.Rows) error {
		var m namedMetric
		err := rows.Scan(&m.id, &m.name)
		s.metrics = append(s.metrics, m)
		return err
	}, selectMetricNames)
	if err != nil {
		return err
	}
	if s.selection.Level != archive.Raw {
		return nil
	}
	hotRows := map[string]string{tables.NarrowName: tables.HotNarrowEntities}
	for _, t := range s.layout.Tables {
		hotRows[t.Name] = t.HotEntities
	}
	for name, query := range hotRows {
		ids, err := conn.Column[int64](s.tx.Ctx, s.tx.Tx, query)
		if err != nil {
			return err
		}
		s.hot[name] = make(map[int64]bool, len(ids))
		for _, id := range ids {
			s.hot[name][id] = true
		}
	}
	return nil
}

// Names are the metrics that the archive knows, in order, wanted or not. There
// need not be samples of each.
func (s *Samples) Names() []schema.MetricName {
	names := make([]schema.MetricName, len(s.metrics))
	for i, m := range s.metrics {
		names[i] = m.name
	}
	return names
}

// wants reports whether a metric is selected.
func (s *Samples) wants(m schema.MetricName) bool {
	return s.selection.Metric == nil || s.selection.Metric(m)
}

// eachEntity visits the selected entities that a condition holds for.
func (s *Samples) eachEntity(condition string, visit func(id int64, subject *archive.Subject) error) error {
	var subject archive.Subject
	return conn.Each(s.tx.Ctx, s.tx.Tx, func(rows *sql.Rows) error {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		var id int64
		e := &subject.Entity
		err := rows.Scan(&id, &subject.Cluster, tables.ScanKind{Kind: &e.Kind}, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels)
		if err != nil {
			return err
		}
		if s.selection.Entity != nil && !s.selection.Entity(subject.Cluster, *e) {
			return nil
		}
		return visit(id, &subject)
	}, selectSubjects+condition+inOrder)
}

// count is how many entities [Samples.eachEntity] visits.
func (s *Samples) count(condition string) (int, error) {
	if n, ok := s.counts[condition]; ok {
		return n, nil
	}
	n := 0
	err := s.eachEntity(condition, func(int64, *archive.Subject) error { n++; return nil })
	s.counts[condition] = n
	return n, err
}

// identities gives the subject the incarnations of its pod.
func (s *Samples) identities(subject *archive.Subject) error {
	subject.Identities = nil
	if !s.selection.Identities || subject.Entity.Pod == "" {
		return nil
	}
	stmt, err := s.tx.Statement(selectIncarnations)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(s.tx.Ctx, subject.Entity.Namespace, subject.Entity.Pod, subject.Cluster)
	if err != nil {
		return err
	}
	for rows.Next() {
		var i archive.Incarnation
		if err := rows.Scan(&i.UID, &i.Node, &i.Labels, &i.Images, &i.From, &i.To); err != nil {
			return errors.Join(err, rows.Close())
		}
		subject.Identities = append(subject.Identities, i)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Each reads every sample that is selected. Of an entity's metrics that have a
// column, the samples come in the order of their times; of each other one, too,
// metric after metric.
func (s *Samples) Each(v archive.SampleVisitor) error {
	return s.read(s.sources(s.wants, func(archive.Statistic) bool { return true }), v)
}

// EachOf reads the samples of one column, whether or not its metric is
// selected: series after series, each in the order of its times. The series
// are read by their keys, once more for each column.
func (s *Samples) EachOf(c archive.Column, v archive.SampleVisitor) error {
	return s.read(s.sources(
		func(m schema.MetricName) bool { return m == c.Metric },
		func(statistic archive.Statistic) bool { return statistic == c.Statistic }), v)
}

// Columns are those of a metric: one of raw samples.
func (s *Samples) Columns(m schema.MetricName) []archive.Column {
	if s.selection.Level == archive.Raw {
		return []archive.Column{{Metric: m}}
	}
	columns := make([]archive.Column, 0, len(archive.Statistics()))
	for _, statistic := range archive.Statistics() {
		columns = append(columns, archive.Column{Metric: m, Statistic: statistic})
	}
	return columns
}

// Wanted are the selected ones of [Samples.Names].
func (s *Samples) Wanted() []schema.MetricName {
	return slices.DeleteFunc(s.Names(), func(m schema.MetricName) bool { return !s.wants(m) })
}

// read reads one source after the other.
func (s *Samples) read(sources []source, v archive.SampleVisitor) error {
	s.done, s.of = 0, 0
	for _, from := range sources {
		n, err := s.count(from.entities)
		if err != nil {
			return conn.Explain(s.path, err)
		}
		s.of += n
	}
	for _, from := range sources {
		err := from.read(s, v)
		if refused, ok := errors.AsType[visitError](err); ok {
			return refused.error // which is not of the archive
		}
		if err != nil {
			return conn.Explain(s.path, err)
		}
	}
	return nil
}

// step tells how many entities have been read.
func (s *Samples) step() {
	s.done++
	if s.selection.Step != nil {
		s.selection.Step(s.done, s.of)
	}
}

// visitError is what a visitor ended the reading with.
type visitError struct{ error }

func visited(err error) error {
	if err != nil {
		return visitError{err}
	}
	return nil
}

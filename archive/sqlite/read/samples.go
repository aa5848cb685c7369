package read

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"slices"

	"heapstash/archive"
	"heapstash/archive/sqlite/conn"
	"heapstash/archive/sqlite/tables"
	"heapstash/schema"
)

// Samples implements [archive.Samples]. It needs a few words of memory for each entity
// with hot rows, which are one or two hours old.
type Samples struct {
	path    string
	layout  tables.Layout
	tx      *conn.Prepared
	metrics []namedMetric
	hot     map[string]map[int64]bool // by table: the entities with hot rows
}

// namedMetric is a metric that the archive knows.
type namedMetric struct {
	id   int64
	name schema.MetricName
}

// OpenSamples opens the present state of the archive, until [Samples.Close]. Others may
// write meanwhile, but the -wal file only grows; with a rollback journal instead
// ([dbfile.FileSystem.WriteAhead]), they wait.
func OpenSamples(ctx context.Context, r *conn.Reader) (*Samples, error) {
	tx, err := r.DB.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, conn.WithRemedy(r.Path, err)
	}
	s := &Samples{path: r.Path, layout: tables.NewLayout(), tx: conn.Prepare(ctx, tx), hot: make(map[string]map[int64]bool)}
	s.metrics, err = conn.List(s.tx.Ctx, tx, func(m *namedMetric) []any { return []any{&m.id, &m.name} }, selectMetricNames)
	if err != nil {
		return nil, errors.Join(conn.WithRemedy(r.Path, err), s.Close())
	}
	return s, nil
}

// Close ends the transaction.
func (s *Samples) Close() error { return s.tx.Tx.Rollback() }

const (
	selectMetricNames  = `SELECT id, name FROM metric ORDER BY name`
	countEntities      = `SELECT count(*) FROM entity `
	selectEntities     = `SELECT id, cluster, kind, namespace, pod, container, node, labels FROM entity `
	inOrder            = ` ORDER BY kind, namespace, pod, container, node, labels, cluster`
	behind             = ` AND (kind, namespace, pod, container, node, labels, cluster) > (?, ?, ?, ?, ?, ?, ?)`
	selectIncarnations = `SELECT i.uid, i.node, i.labels, i.images, i.valid_from, ifnull(i.valid_to, 0)
		FROM entity e JOIN pod_identity i ON i.entity_id = e.id WHERE e.kind = 'pod' AND e.namespace = ? AND e.pod = ? AND e.container = '' AND e.node = '' AND e.labels = ''
		AND e.cluster = ? ORDER BY i.valid_from`
)

// Names implements [archive.Samples].
func (s *Samples) Names() []schema.MetricName {
	names := make([]schema.MetricName, len(s.metrics))
	for i, m := range s.metrics {
		names[i] = m.name
	}
	return names
}

// errStopped means that the caller stopped the iteration.
var errStopped = errors.New("stopped")

// Series implements [archive.Samples]. Each call finds an entity's series by its key.
func (s *Samples) Series(ctx context.Context, selection archive.Selection) iter.Seq2[*archive.Series, error] {
	if selection.Window.To == 0 {
		selection.Window.To = math.MaxInt64
	}
	if selection.Level == "" {
		selection.Level = archive.Raw
	}
	return s.yield(ctx, s.queries(selection), nil, selection)
}

// Table yields the selected raw series of one table, in the order of the entities' kind,
// namespace, pod, container, node, labels and cluster, and at most one error, as the last
// item. If after is not nil, it begins with the series behind that one.
func (s *Samples) Table(ctx context.Context, table string, after *archive.Series, selection archive.Selection) iter.Seq2[*archive.Series, error] {
	if selection.Window.To == 0 {
		selection.Window.To = math.MaxInt64
	}
	selection.Level = archive.Raw
	queries := slices.DeleteFunc(s.queries(selection), func(q seriesQuery) bool { return q.name != table })
	return s.yield(ctx, queries, after, selection)
}

// yield yields the series of the queries.
func (s *Samples) yield(ctx context.Context, queries []seriesQuery, after *archive.Series, selection archive.Selection) iter.Seq2[*archive.Series, error] {
	return func(yield func(*archive.Series, error) bool) {
		err := s.read(ctx, queries, after, selection, func(series *archive.Series) bool { return yield(series, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, conn.WithRemedy(s.path, err))
		}
	}
}

// read runs the queries in order.
func (s *Samples) read(ctx context.Context, queries []seriesQuery, after *archive.Series, selection archive.Selection, yield func(*archive.Series) bool) error {
	var series archive.Series
	for _, q := range queries {
		var n int
		if err := s.tx.Tx.QueryRowContext(s.tx.Ctx, countEntities+q.entities).Scan(&n); err != nil {
			return err
		}
		series.Of += n
	}
	for _, q := range queries {
		series.Columns = q.columns
		text, args := selectEntities+q.entities, []any(nil)
		if after != nil {
			text += behind
			e := after.Entity
			args = []any{e.Kind.String(), e.Namespace, e.Pod, e.Container, e.Node, e.Labels, after.Cluster}
		}
		c, err := s.cursor(ctx, q, selection)
		if err != nil {
			return err
		}
		err = conn.Each(s.tx.Ctx, s.tx.Tx, func(rows *sql.Rows) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			series.Done++
			var id int64
			e := &series.Entity
			err := rows.Scan(&id, &series.Cluster, tables.ScanKind{Kind: &e.Kind}, &e.Namespace, &e.Pod, &e.Container, &e.Node, &e.Labels)
			if err == nil && selection.Matches(series.Cluster, *e) {
				err = s.readEntity(ctx, c, id, selection, &series, yield)
			}
			return err
		}, text+inOrder, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// readEntity yields the entity's series, if it has samples.
func (s *Samples) readEntity(ctx context.Context, c *cursor, id int64, selection archive.Selection, series *archive.Series, yield func(*archive.Series) bool) (err error) {
	c.begin(id)
	defer func() { err = errors.Join(err, c.close()) }()
	if !c.next() {
		return nil
	}
	if series.Incarnations = nil; selection.Incarnations && series.Entity.Pod != "" {
		if series.Incarnations, err = s.Incarnations(ctx, series.Cluster, series.Entity); err != nil {
			return err
		}
	}
	series.Samples = c.samples
	if !yield(series) {
		return errStopped
	}
	return nil
}

// Incarnations returns the incarnations of an entity's pod in time order.
func (s *Samples) Incarnations(_ context.Context, cluster string, e schema.Entity) (all []archive.Incarnation, err error) {
	stmt, err := s.tx.Statement(selectIncarnations)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(s.tx.Ctx, e.Namespace, e.Pod, cluster)
	if err != nil {
		return nil, err
	}
	for rows.Next() && err == nil {
		var i archive.Incarnation
		err = rows.Scan(&i.UID, &i.Node, &i.Labels, &i.Images, &i.From, &i.To)
		all = append(all, i)
	}
	return all, errors.Join(err, rows.Err(), rows.Close())
}

package read

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/clickhouse/rows"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// Samples implements [archive.Samples]. It needs memory for the names of some hundred
// series. Servers keep no state for readers: samples that are later than the newest
// one of their cluster, as of the last pass before [OpenSamples], are left out, but not
// earlier ones that passes write afterwards.
type Samples struct {
	server rows.Server
	layout tables.Layout
	names  []schema.MetricName
	newest map[string]schema.Instant // by cluster: see [rows.Committed]
}

// OpenSamples opens the samples that the archive has at this moment.
func OpenSamples(ctx context.Context, server rows.Server) (*Samples, error) {
	s := &Samples{server: server, layout: tables.NewLayout(), newest: make(map[string]schema.Instant)}
	names, err := server.Texts(ctx, 1, "SELECT name FROM metrics ORDER BY name")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		s.names = append(s.names, schema.MetricName(name[0]))
	}
	statement := fmt.Sprintf("SELECT cluster, newest FROM %s FINAL WHERE %s = 0", s.layout.ClusterState.Rows(), tables.Deleted)
	return s, server.Each(ctx, statement, func(row driver.Rows) error {
		var cluster string
		var newest int64
		err := row.Scan(&cluster, &newest)
		s.newest[cluster] = schema.Instant(newest)
		return err
	})
}

// tables returns the tables with samples.
func (s *Samples) tables() []*tables.Table {
	return append(slices.Clone(s.layout.Wide), s.layout.Narrow)
}

// Close does nothing: the server keeps no state.
func (s *Samples) Close() error { return nil }

// Names implements [archive.Samples].
func (s *Samples) Names() []schema.MetricName { return s.names }

// errStopped means that the caller stopped the iteration.
var errStopped = errors.New("stopped")

// Series implements [archive.Samples]. It reads some series at a time, because a server
// would sort a whole table.
func (s *Samples) Series(ctx context.Context, selection archive.Selection) iter.Seq2[*archive.Series, error] {
	return func(yield func(*archive.Series, error) bool) {
		err := s.read(ctx, selection, func(series *archive.Series) bool { return yield(series, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

const (
	// mostRows is about how many rows a server sorts at a time.
	mostRows = 300_000
	// mostSeries bounds the length of a statement.
	mostSeries = 500
)

func (s *Samples) read(ctx context.Context, selection archive.Selection, yield func(*archive.Series) bool) error {
	if selection.Level != "" && selection.Level != archive.Raw {
		return nil // there are no hours and days
	}
	var scans []scan
	var series archive.Series
	for _, t := range s.tables() {
		scan, some := newScan(t, selection)
		if !some {
			continue
		}
		scans = append(scans, scan)
		for cluster, newest := range s.newest {
			var n int64
			if err := s.server.One(ctx, "SELECT toInt64(count()) FROM ("+scan.selectSeries(cluster, newest)+") AS s", &n); err != nil {
				return err
			}
			series.Of += int(n)
		}
	}
	for _, scan := range scans {
		for _, cluster := range slices.Sorted(maps.Keys(s.newest)) {
			if err := s.readCluster(ctx, scan, cluster, selection, &series, yield); err != nil {
				return err
			}
		}
	}
	return nil
}

// readCluster yields the series of a cluster in a table.
func (s *Samples) readCluster(ctx context.Context, scan scan, cluster string, selection archive.Selection, series *archive.Series, yield func(*archive.Series) bool) error {
	var some []named
	var n int64
	flush := func() error {
		if len(some) == 0 {
			return nil
		}
		err := s.readSome(ctx, scan, some, selection, series, yield)
		some, n = some[:0], 0
		return err
	}
	err := s.server.Each(ctx, scan.selectSeries(cluster, s.newest[cluster]), func(row driver.Rows) error {
		next, err := scan.scanSeries(row)
		if err != nil {
			return err
		}
		if !selection.Matches(cluster, next.Entity) {
			series.Done++
			return nil
		}
		if n+next.rows > mostRows || len(some) == mostSeries {
			if err := flush(); err != nil {
				return err
			}
		}
		some, n = append(some, next), n+next.rows
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// readSome yields some series of a cluster.
func (s *Samples) readSome(ctx context.Context, scan scan, some []named, selection archive.Selection, series *archive.Series, yield func(*archive.Series) bool) error {
	incarnations, err := s.incarnations(ctx, some, selection)
	if err != nil {
		return err
	}
	result, err := s.server.Query(ctx, scan.selectRows(some, s.newest[some[0].names[0]]))
	if err != nil {
		return s.server.Wrap(ctx, err)
	}
	c := newCursor(scan, result)
	for _, one := range some {
		series.Done++
		if !c.isOf(one) {
			continue // a pass replaced its rows
		}
		series.Cluster, series.Entity, series.Columns = one.names[0], one.Entity, scan.columns
		if !scan.IsWide() {
			series.Columns = []archive.Column{{Metric: one.metric}}
		}
		series.Incarnations = incarnations[one.Namespace+"/"+one.Pod]
		series.Samples = c.samples(one)
		if !yield(series) {
			_ = result.Close()
			return errStopped
		}
		for c.isOf(one) {
			c.next()
		}
	}
	return s.server.Wrap(ctx, errors.Join(c.err, result.Close()))
}

const selectIncarnations = `SELECT namespace, pod, uid, node, labels, images, valid_from, valid_to FROM %s FINAL
  WHERE %s = 0 AND cluster = %s AND (namespace, pod) IN (%s) ORDER BY namespace, pod, valid_from`

// incarnations returns the incarnations of the pods of some series, by namespace/pod.
func (s *Samples) incarnations(ctx context.Context, some []named, selection archive.Selection) (map[string][]archive.Incarnation, error) {
	var pods []string
	for _, one := range some {
		if pod := "(" + tables.Literal(one.Namespace) + ", " + tables.Literal(one.Pod) + ")"; one.Pod != "" && !slices.Contains(pods, pod) {
			pods = append(pods, pod)
		}
	}
	all := make(map[string][]archive.Incarnation)
	if !selection.Incarnations || len(pods) == 0 {
		return all, nil
	}
	statement := fmt.Sprintf(selectIncarnations, s.layout.PodIdentity.Rows(), tables.Deleted, tables.Literal(some[0].names[0]), strings.Join(pods, ", "))
	return all, s.server.Each(ctx, statement, func(row driver.Rows) error {
		var namespace, pod string
		var from, to int64
		var i archive.Incarnation
		err := row.Scan(&namespace, &pod, &i.UID, &i.Node, &i.Labels, &i.Images, &from, &to)
		i.From, i.To = schema.Instant(from), schema.Instant(to)
		all[namespace+"/"+pod] = append(all[namespace+"/"+pod], i)
		return err
	})
}

package clickhouse_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/archive"
	"heapstash/archive/archivetest"
	"heapstash/archive/clickhouse"
	"heapstash/archive/clickhouse/clickhousetest"
	"heapstash/archive/clickhouse/conn"
	"heapstash/schema"
)

func TestContract(t *testing.T) {
	server := clickhousetest.Start(t)
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return engine("clickhouse://" + server.Address + "/" + server.Database(t))
	})
}

// TestContractOfCluster is the same with two shards of two replicas each.
func TestContractOfCluster(t *testing.T) {
	cluster := clickhousetest.StartCluster(t, clickhousetest.Options{})
	archivetest.Run(t, func(t *testing.T) archivetest.Engine {
		return engine("clickhouse://" + strings.Join(cluster.Addresses(), ",") + "/" + cluster.Database(t) + "?cluster=" + cluster.Name)
	})
}

func engine(address string) archivetest.Engine {
	return archivetest.Engine{
		Store: func(ctx context.Context, r archive.Retention) (archivetest.Store, error) {
			return clickhouse.Open(ctx, address, clickhouse.Options{Retention: r})
		},
		Reader: func(ctx context.Context) (archivetest.Reader, error) {
			c, _, err := conn.Open(ctx, address, conn.Options{})
			return reader{c: c}, err
		},
		Slack: 24 * time.Hour,
	}
}

type reader struct {
	archivetest.Reader
	c *conn.Conn
}

func (r reader) Close() error { return r.c.Close() }

func (r reader) OpenSamples(context.Context) (archive.Samples, error) { return samples{r.c}, nil }

type samples struct{ *conn.Conn }

func (samples) Names() []schema.MetricName { return nil }
func (samples) Close() error               { return nil }

func (s samples) Series(ctx context.Context, sel archive.Selection) iter.Seq2[*archive.Series, error] {
	return func(yield func(*archive.Series, error) bool) {
		err := s.Each(ctx, func(rows driver.Rows) error {
			var e schema.Entity
			var cluster, kind, metric string
			var ns, pod, container, node, labels *string
			var at int64
			var i *int64
			var f *float64
			if err := rows.Scan(&cluster, &kind, &ns, &pod, &container, &node, &labels, &metric, &at, &i, &f); err != nil {
				return err
			}
			e.Kind, _ = schema.ParseKind(kind)
			for p, s := range map[*string]*string{&e.Namespace: ns, &e.Pod: pod, &e.Container: container, &e.Node: node, &e.Labels: labels} {
				if s != nil {
					*p = *s
				}
			}
			v := schema.Value{}
			if i != nil {
				v = schema.Int(*i)
			} else {
				v = schema.Real(*f)
			}
			if !sel.Matches(cluster, e) || !sel.MatchesMetric(schema.MetricName(metric)) || schema.Instant(at) < sel.Window.From || sel.Window.To > 0 && schema.Instant(at) > sel.Window.To {
				return nil
			}
			yield(&archive.Series{Cluster: cluster, Entity: e, Columns: []archive.Column{{Metric: schema.MetricName(metric)}}, Samples: func(yield func(archive.Sample) bool) {
				yield(archive.Sample{At: schema.Instant(at), Value: v})
			}}, nil)
			return nil
		}, "SELECT cluster, kind, namespace, pod, container, node, labels, metric, ts, integer, float FROM samples")
		if err != nil {
			yield(nil, err)
		}
	}
}

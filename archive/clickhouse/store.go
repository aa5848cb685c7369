package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"heapstash/archive"
	"heapstash/archive/clickhouse/conn"
	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// Options are the options of [Open].
type Options struct {
	conn.Options
	Retention archive.Retention
}

// Store is an archive open for writing by one pass. Use it from one goroutine.
type Store struct {
	conn      *conn.Conn
	info      conn.Info
	retention archive.Retention
	pass      *pass // of BeginPass; nil before
	metrics   map[schema.MetricName]bool
	clusters  map[string]*known
	replicas  []*replica
	warnings  []string
}

// known is what a store has read or written of a cluster, so that it does not read or
// write it again.
type known struct {
	entities map[schema.Entity]entity
	asked    map[schema.Scope]map[schema.MetricName]bool
	carried  map[schema.Entity]map[schema.MetricName]bool
}

// entity is what the archive has of an entity.
type entity struct {
	firstSeen schema.Instant
	lastSeen  schema.Instant // None while it is listed
}

// Open opens the archive for a pass, and makes it if there is none. For the address see
// [conn.ParseAddress]; for the errors, [conn.Open].
func Open(ctx context.Context, address string, opts Options) (*Store, error) {
	c, info, err := conn.OpenOrMake(ctx, address, opts.Options)
	if err != nil {
		return nil, err
	}
	s := &Store{conn: c, info: info, retention: opts.Retention, metrics: make(map[schema.MetricName]bool), clusters: make(map[string]*known)}
	err = s.each(ctx, "SELECT name FROM metric_rows FINAL WHERE deleted = 0", func(scan scanner) error {
		var name string
		err := scan(&name)
		s.metrics[schema.MetricName(name)] = true
		return err
	})
	if err != nil {
		return nil, errors.Join(c.Explain(err), c.Close())
	}
	return s, nil
}

// ID is the archive's random id: see [conn.Info].
func (s *Store) ID() string { return s.info.ID }

// Warning says why the archive is less safe than it could be; empty if it is not.
func (s *Store) Warning() string { return strings.Join(s.warnings, "; ") }

// Close ends the connections. An open pass becomes abandoned.
func (s *Store) Close() error {
	errs := []error{s.abandonOwn(), s.conn.Close()}
	for _, r := range s.replicas {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// DDL returns the statements that make an archive at the address, for a server of the
// major version. Replicated is for clusters whose shards have replicas.
func DDL(address string, major uint64, replicated bool) ([]string, error) {
	a, err := conn.ParseAddress(address)
	if err != nil {
		return nil, err
	}
	if replicated && a.Cluster == "" {
		return nil, schema.WithHint(fmt.Errorf("replicated tables are for a cluster"), "name it: ?cluster=NAME")
	}
	d := tables.NewDialect(a.Database, a.Cluster, replicated, major)
	return d.Script(tables.NewLayout()), nil
}

func (s *Store) of(cluster string) *known {
	k := s.clusters[cluster]
	if k == nil {
		k = &known{
			entities: make(map[schema.Entity]entity), asked: make(map[schema.Scope]map[schema.MetricName]bool),
			carried: make(map[schema.Entity]map[schema.MetricName]bool),
		}
		s.clusters[cluster] = k
	}
	return k
}

// lastWait is the longest pause between tries: together they take eight seconds.
const lastWait = 4 * time.Second

// retry tries again after errors that may pass: a server ended, and another one answers.
func (s *Store) retry(ctx context.Context, try func() error) error {
	for wait := lastWait / 16; ; wait *= 2 {
		err := try()
		if err == nil || ctx.Err() != nil || wait > lastWait || !conn.MayPass(err) {
			return s.conn.Explain(err)
		}
		select {
		case <-ctx.Done():
			return s.conn.Explain(err)
		case <-time.After(wait):
		}
	}
}

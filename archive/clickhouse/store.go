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
	var c *conn.Conn
	var info conn.Info
	err := retry(ctx, func() (again bool, err error) {
		c, info, err = conn.OpenOrMake(ctx, address, opts.Options)
		return conn.IsAnswer(err), err
	})
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

const (
	// lastWait is the longest pause between tries: together they take eight seconds.
	lastWait = 4 * time.Second
	// lastTry is how long after the first failure the last try may begin.
	lastTry = 15 * time.Second
)

// retry tries again after errors that may pass: a server ended, and another one answers.
func (s *Store) retry(ctx context.Context, try func() error) error {
	return s.conn.Explain(retry(ctx, func() (bool, error) { return true, try() }))
}

// retry tries again after errors that may pass, if try says so.
func retry(ctx context.Context, try func() (again bool, err error)) error {
	var failed time.Time // first
	for wait := lastWait / 16; ; wait *= 2 {
		again, err := try()
		if err == nil || !again || ctx.Err() != nil || !conn.MayPass(err) {
			return err
		}
		if failed.IsZero() {
			failed = time.Now()
		}
		if wait > lastWait || time.Since(failed) > lastTry {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

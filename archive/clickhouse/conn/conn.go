// Package conn connects to an archive's servers: addresses, TLS, settings of the
// connections, the servers of a cluster, errors that say what to do. It makes an
// archive's tables, and knows whether a database is an archive.
package conn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/archive/clickhouse/tables"
	"heapstash/schema"
)

// Options are how to connect.
type Options struct {
	Password string
	// CAFile has certificates in PEM of the authority that signed the server's
	// certificate; empty for the system's authorities.
	CAFile string
}

// Conn is a [Pool] to an archive's servers, whose default database is the archive's.
type Conn struct {
	*Pool
	Address Address
	Dialect tables.Dialect
	Layout  tables.Layout
	// Replicas are the servers of the cluster; none without a cluster.
	Replicas []Replica

	options Options
}

// settings are sent with each statement. All are integers, because the protocol of old
// servers has no others. Each holds for old and current servers.
var settings = clickhouse.Settings{
	// Without it, a server says ok before the rows are on their shard.
	"insert_distributed_sync": 1,
	// An answer without a shard would look like a whole one.
	"skip_unavailable_shards": 0,
	// A replica that is behind would answer with too little.
	"max_replica_delay_for_distributed_queries":          2,
	"fallback_to_stale_replicas_for_distributed_queries": 0,
	// The default, 50 ms, takes a busy server for a dead one.
	"connect_timeout_with_failover_ms": 2000,
	// The default, 300 s, is longer than Heapster keeps samples. Servers are silent
	// among each other while one of them writes the rows of an INSERT.
	"receive_timeout": 60,
	"send_timeout":    60,
}

// Connect connects to the database, which must exist.
func Connect(ctx context.Context, address string, opts Options) (*Conn, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	return connect(ctx, a, a.Database, opts)
}

// ConnectServer connects to the servers, where the database need not exist.
func ConnectServer(ctx context.Context, address string, opts Options) (*Conn, error) {
	a, err := ParseAddress(address)
	if err != nil {
		return nil, err
	}
	return connect(ctx, a, "", opts)
}

func connect(ctx context.Context, a Address, database string, opts Options) (*Conn, error) {
	c := &Conn{Address: a, Layout: tables.NewLayout(), options: opts}
	var err error
	within := 10 * time.Second
	if len(a.Hosts) > 1 {
		within = 5 * time.Second // a busy server may be left out
	}
	if c.Pool, err = c.open(a.Hosts, database, within); err != nil {
		return nil, err
	}
	if err := c.begin(ctx); err != nil {
		return nil, errors.Join(c.Explain(c.denied(ctx, database, err)), c.Close())
	}
	return c, nil
}

// open opens a pool of connections to the first host that answers within the time.
func (c *Conn) open(hosts []string, database string, within time.Duration) (*Pool, error) {
	o := clickhouse.Options{
		Addr:             hosts,
		Auth:             clickhouse.Auth{Database: database, Username: c.Address.User, Password: c.options.Password},
		Settings:         settings,
		Compression:      &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		ConnOpenStrategy: clickhouse.ConnOpenInOrder,
		DialTimeout:      within,
	}
	if c.Address.Secure {
		var err error
		if o.TLS, err = trust(c.options.CAFile); err != nil {
			return nil, err
		}
	}
	return newPool(o, &wires{patience: patient, options: o, within: within, open: make(map[*wire]bool)}), nil
}

// Direct returns a pool of connections to one server of the cluster, which must answer
// within the time.
func (c *Conn) Direct(r Replica, within time.Duration) (*Pool, error) {
	return c.open([]string{r.Host}, c.Address.Database, within)
}

// DirectServer is Direct, where the database need not exist.
func (c *Conn) DirectServer(r Replica, within time.Duration) (*Pool, error) {
	return c.open([]string{r.Host}, "", within)
}

// trust returns the TLS settings that accept certificates of the file's authority.
func trust(caFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return config, nil
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, schema.WithHint(fmt.Errorf("archive.ca_file: %w", err), "it must be a file in PEM that this user can read")
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, schema.WithHint(fmt.Errorf("archive.ca_file: %s has no certificate", caFile), "it must be a file in PEM")
	}
	return config, nil
}

// leastMajor is the oldest server's version that tests use.
const leastMajor = 18

// begin reads the server's version and its cluster, and checks the user's profile.
func (c *Conn) begin(ctx context.Context) error {
	if err := c.Ping(ctx); err != nil {
		return err
	}
	v, err := c.ServerVersion()
	if err != nil {
		return err
	}
	if v.Version.Major < leastMajor {
		return schema.WithHint(fmt.Errorf("ClickHouse %v is too old", v.Version), "use version 18.16 or later")
	}
	if err := c.checkProfile(ctx); err != nil {
		return err
	}
	c.Dialect = tables.NewDialect(c.Address.Database, c.Address.Cluster, false, v.Version.Major)
	if c.Address.Cluster == "" {
		return nil
	}
	if c.Replicas, err = c.readReplicas(ctx); err != nil {
		return err
	}
	for _, r := range c.Replicas {
		c.Dialect.Replicated = c.Dialect.Replicated || r.Number > 1
	}
	return nil
}

package clickhousetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"heapstash/internal/need"
)

// Cluster is a running ClickHouse cluster: two shards with two replicas each, and a
// ZooKeeper. Each is a process of its own.
type Cluster struct {
	Name      string // for ON CLUSTER
	Shards    [2][2]*Server
	ZooKeeper *ZooKeeper
}

// Options are the options of a [Cluster]. The zero Options are the defaults.
type Options struct {
	// Host is the address that everything listens on; 127.0.0.1 if it is empty.
	Host string
	// Data returns an empty directory for the tables of a server; nil: a temporary one.
	Data func(shard, replica int) string
}

// StartCluster starts a cluster. It is killed at the end of the test, or with this
// process. The test is left out where a program is not installed. It is skipped with
// -short, because tests on a cluster take minutes; make check runs them.
func StartCluster(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	if testing.Short() {
		tb.Skip("tests on a cluster take minutes")
	}
	program := need.Program(tb, "clickhouse-server")
	if o.Host == "" {
		o.Host = loopback
	}
	c := &Cluster{Name: "cluster"}
	ports := freePorts(tb, o.Host, 1+len(c.Servers())*portsOfServer)
	c.ZooKeeper = newZooKeeper(tb, o.Host, ports[0])
	c.ZooKeeper.launch(tb)
	tb.Cleanup(c.ZooKeeper.Kill)
	var shards [][]*settings
	for shard := range c.Shards {
		var replicas []*settings
		for replica := range c.Shards[shard] {
			first := 1 + (2*shard+replica)*portsOfServer
			s := newSettings(tb, o.Host, ports[first:first+portsOfServer])
			s.Cluster, s.ZooKeeperHost, s.ZooKeeperPort = c.Name, o.Host, ports[0]
			s.Shard, s.Replica = shard+1, replica+1
			if o.Data != nil {
				s.Data = o.Data(shard, replica)
			}
			replicas = append(replicas, s)
		}
		shards = append(shards, replicas)
	}
	c.ZooKeeper.Await(tb)
	for shard, replicas := range shards {
		for replica, s := range replicas {
			s.Shards = shards
			server := newServer(tb, program, s)
			server.ready = server.distributes
			server.launch(tb)
			tb.Cleanup(func() {
				if tb.Failed() {
					log := server.Log()
					tb.Logf("shard %d, replica %d: %s", s.Shard, s.Replica, log[max(0, len(log)-2000):])
				}
				server.Kill()
			})
			c.Shards[shard][replica] = server
		}
	}
	for _, server := range c.Servers() {
		server.Await(tb)
	}
	return c
}

// distributes returns an error unless the server answers and executes ON CLUSTER. A
// server of 2018 crashes if it gets such a statement a second too early.
func (s *Server) distributes() error {
	if err := s.ping(); err != nil {
		return err
	}
	if !strings.Contains(s.Log(), "DDLWorker: Processing tasks") {
		return errors.New("no DDL worker")
	}
	return nil
}

// Servers returns all servers.
func (c *Cluster) Servers() (all []*Server) {
	for _, shard := range c.Shards {
		all = append(all, shard[:]...)
	}
	return all
}

// Addresses returns the hosts and ports of all servers.
func (c *Cluster) Addresses() (all []string) {
	for _, server := range c.Servers() {
		all = append(all, server.Address)
	}
	return all
}

// Database makes an empty database of a new name on every server. It goes with
// the servers.
func (c *Cluster) Database(tb testing.TB) string {
	tb.Helper()
	name := newName()
	for _, server := range c.Servers() {
		server.Exec(tb, "CREATE DATABASE "+name)
	}
	return name
}

// each calls f for every server at once.
func (c *Cluster) each(f func(*Server) error) error {
	servers := c.Servers()
	errs := make([]error, len(servers))
	var all sync.WaitGroup
	for i, server := range servers {
		all.Go(func() { errs[i] = f(server) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Await waits until every process answers, and every replica takes inserts and has caught
// up.
func (c *Cluster) Await(tb testing.TB) {
	tb.Helper()
	c.ZooKeeper.Await(tb)
	for _, server := range c.Servers() {
		server.Await(tb)
		conn := server.Connect(tb)
		server.await(tb, func() error {
			var waiting uint64
			err := conn.QueryRow(tb.Context(), "SELECT count() FROM system.replicas WHERE is_readonly OR is_session_expired OR absolute_delay > 1").Scan(&waiting)
			if err == nil && waiting > 0 {
				err = fmt.Errorf("%d tables are read-only or behind", waiting)
			}
			return err
		})
	}
}

// Sync waits until every replica has the rows of every other one. All processes must
// run.
func (c *Cluster) Sync(tb testing.TB, database string) {
	tb.Helper()
	err := c.each(func(server *Server) error {
		conn, err := server.open()
		if err != nil {
			return err
		}
		defer conn.Close()
		rows, err := conn.Query(tb.Context(), "SELECT table FROM system.replicas WHERE database = ?", database)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var table string
			if err := rows.Scan(&table); err != nil {
				return err
			}
			if err := conn.Exec(tb.Context(), "SYSTEM SYNC REPLICA "+database+"."+table); err != nil {
				return fmt.Errorf("%s: %w", server.Address, err)
			}
		}
		return rows.Err()
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Package clickhousetest is for tests that need a ClickHouse server: it starts the
// installed clickhouse-server on loopback, in a temporary directory.
package clickhousetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"heapstash/internal/need"
)

// Server is a running ClickHouse server. Several goroutines may use it.
type Server struct {
	// Address is the host and port of the native protocol. The user is default, without
	// a password.
	Address string

	process *process
}

// Start starts a server. It is killed at the end of the test, or with this process. The
// test is left out where no server is installed.
func Start(tb testing.TB) *Server {
	tb.Helper()
	program := need.Program(tb, "clickhouse-server")
	server, err := newServer(program, tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(server.process.kill)
	return server
}

// Database makes an empty database of a new name. It is dropped at the end of the test.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	s.Exec(tb, "CREATE DATABASE "+name)
	tb.Cleanup(func() { s.Exec(tb, "DROP DATABASE "+name) })
	return name
}

var databases atomic.Int64

// Exec runs a statement. An old server waits for rows after INSERT ... VALUES: use
// INSERT ... SELECT.
func (s *Server) Exec(tb testing.TB, statement string) {
	tb.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{s.Address}})
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := conn.Exec(ctx, statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// newServer starts a server, and waits until it answers.
func newServer(program, dir string) (*Server, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"config.xml": fmt.Sprintf(config, dir, ports[0], ports[1], ports[2]),
		"users.xml":  users,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	p, err := start(dir, exec.Command(program, "--config-file", filepath.Join(dir, "config.xml")))
	if err != nil {
		return nil, err
	}
	s := &Server{Address: fmt.Sprintf("127.0.0.1:%d", ports[0]), process: p}
	if err := p.await(s.ping); err != nil {
		p.kill()
		log, _ := os.ReadFile(p.log)
		return nil, fmt.Errorf("clickhouse-server: %w\n%s", err, log)
	}
	return s, nil
}

func (s *Server) ping() error {
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{s.Address}, DialTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Ping(context.Background())
}

// freePorts returns ports of loopback that nothing listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() // only now, so that all are different
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

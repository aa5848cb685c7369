// Package clickhousetest is for tests that need a ClickHouse server: it starts the
// installed clickhouse-server on loopback, in a temporary directory.
package clickhousetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"heapstash/internal/need"
)

// Server is a running ClickHouse server. Several goroutines may use it.
type Server struct {
	// Address is the host and port of the native protocol. The user is default, without
	// a password.
	Address string
	// Encrypted is the host and port of the native protocol with TLS, if the server has a
	// certificate.
	Encrypted string

	*Process
}

// ServerOptions are the options of a [Server]. The zero ServerOptions are the defaults.
type ServerOptions struct {
	// Users are there beside default.
	Users []User
	// Certificate and Key are files in PEM; empty for a server without TLS.
	Certificate, Key string
}

// User is a user of a server.
type User struct {
	Name, Password string
	Settings       map[string]string // of the profile, such as readonly
	Databases      []string          // that the user may use; none for all
}

// Start starts a server. It is killed at the end of the test, or with this process. The
// test is left out where no server is installed.
func Start(tb testing.TB) *Server {
	tb.Helper()
	return StartWith(tb, ServerOptions{})
}

// StartWith is [Start] with options.
func StartWith(tb testing.TB, o ServerOptions) *Server {
	tb.Helper()
	s := newSettings(tb, loopback, freePorts(tb, loopback, portsOfServer))
	s.ServerOptions = o
	server := newServer(tb, need.Program(tb, "clickhouse-server"), s)
	server.launch(tb)
	tb.Cleanup(server.Kill)
	server.Await(tb)
	return server
}

// Database makes an empty database of a new name. It goes with the server: an old server may
// wait long before it drops a table that a cancelled question still reads.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := newName()
	s.Exec(tb, "CREATE DATABASE "+name)
	return name
}

var databases atomic.Int64

func newName() string { return fmt.Sprintf("test%d", databases.Add(1)) }

// Connect returns a pool of connections to the server alone. It ends with the test.
func (s *Server) Connect(tb testing.TB) driver.Conn {
	tb.Helper()
	conn, err := s.open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	return conn
}

func (s *Server) open() (driver.Conn, error) {
	return clickhouse.Open(&clickhouse.Options{Addr: []string{s.Address}, DialTimeout: 5 * time.Second})
}

// Exec runs a statement. An old server waits for rows after INSERT ... VALUES: use
// INSERT ... SELECT.
func (s *Server) Exec(tb testing.TB, statement string) {
	tb.Helper()
	if err := s.try(statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

func (s *Server) try(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := s.open()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Exec(ctx, statement)
}

// newSettings returns the settings of a server alone.
func newSettings(tb testing.TB, host string, ports []int) *settings {
	tb.Helper()
	dir := tb.TempDir()
	return &settings{Dir: dir, Data: dir, Host: host, TCP: ports[0], HTTP: ports[1], Peers: ports[2], TLS: ports[3]}
}

// portsOfServer is the number of ports that a server needs.
const portsOfServer = 4

// newServer configures a server.
func newServer(tb testing.TB, program string, s *settings) *Server {
	tb.Helper()
	config, err := s.write()
	if err != nil {
		tb.Fatal(err)
	}
	server := &Server{Address: net.JoinHostPort(s.Host, strconv.Itoa(s.TCP))}
	if s.Certificate != "" {
		server.Encrypted = net.JoinHostPort(s.Host, strconv.Itoa(s.TLS))
	}
	server.Process = &Process{dir: s.Dir, arguments: []string{program, "--config-file", config}, ready: server.ping}
	return server
}

func (s *Server) ping() error {
	conn, err := s.open()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Ping(context.Background())
}

const loopback = "127.0.0.1"

// freePorts returns ports of the host that nothing listens on. Linux does not give them
// to clients, so that they stay free while a server is killed.
func freePorts(tb testing.TB, host string, n int) (ports []int) {
	tb.Helper()
	const first, clients = 10_000, 32_768
	for tries := 0; len(ports) < n; tries++ {
		port := first + rand.IntN(clients-first)
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			if tries > 1000 {
				tb.Fatal(err)
			}
			continue
		}
		defer listener.Close() // only now, so that all are different
		ports = append(ports, port)
	}
	return ports
}

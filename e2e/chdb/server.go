// Package chdb serves a current ClickHouse engine to clients of the native protocol.
// The engine is chdb-core of PyPI: a library without a server and without
// replication. The server speaks as much of the protocol as clickhouse-go uses, in an
// older revision. One statement runs at a time.
package chdb

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ClickHouse/ch-go/proto"
)

// Server is a running server. The user is default, without a password.
type Server struct {
	Address string // host and port

	databases atomic.Int64
	engine    *engine
	version   [3]int
	listener  net.Listener
	sessions  sync.WaitGroup
	open      sync.Map // of net.Conn
}

// Start starts an engine with an empty directory, and a server on loopback. They end
// with the test. The first call on a machine downloads the engine. Without a network,
// or without Python, the test is left out.
func Start(tb testing.TB) *Server {
	tb.Helper()
	engine, err := newEngine(python(tb), tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{engine: engine}
	tb.Cleanup(func() {
		if err := s.close(); err != nil {
			tb.Error(err)
		}
	})
	if s.version, err = engine.version(); err != nil {
		tb.Fatal(err)
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	s.Address = s.listener.Addr().String()
	s.sessions.Go(s.accept)
	return s
}

// Database makes an empty database of a new name.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	if _, err := s.engine.run("default", "CREATE DATABASE "+name, nil); err != nil {
		tb.Fatal(err)
	}
	return name
}

// Print returns the rows of a statement as lines, their values between tabs. The settings
// are those of the statement alone.
func (s *Server) Print(tb testing.TB, database, statement string, settings map[string]string) string {
	tb.Helper()
	lines, err := s.engine.run(database, statement+" FORMAT TabSeparated", settings)
	if err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
	return string(lines)
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.open.Store(conn, true)
		s.sessions.Go(func() {
			defer s.open.Delete(conn)
			defer conn.Close()
			// A client that goes away is not an error.
			_ = (&session{server: s, conn: conn, reader: proto.NewReader(conn)}).serve()
		})
	}
}

func (s *Server) close() error {
	var err error
	if s.listener != nil {
		err = s.listener.Close()
	}
	s.open.Range(func(conn, _ any) bool {
		conn.(net.Conn).Close()
		return true
	})
	s.sessions.Wait()
	return errors.Join(err, s.engine.stop())
}
